"""A live display of a suite's runs; plain lines without a terminal."""

import time
from dataclasses import dataclass

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from benchmark.counts import duration
from benchmark.events import Event, Kind, number_of
from benchmark.metrics import METRICS
from benchmark.scheduling.rates import work
from benchmark.suite import Cell


@dataclass
class _Shown:
    """A run being trained."""

    task: TaskID
    started: float
    """When it was started here, by the monotonic clock."""
    epoch: str = "epoch 1"
    share: float = 0.0
    """Share of its iterations that are done."""
    before: float | None = None
    """Share of its iterations done by earlier attempts when it was started here."""


class ProgressDisplay:
    """A display of each run's epoch, errors or loss, images/s and time left, and the suite's."""

    def __init__(self, cells: list[Cell], console: Console):
        """``cells``: the runs to be trained."""
        self.console = console
        self.live = console.is_terminal
        self.work = {cell.run_id: work(cell) for cell in cells}
        self.total, self.ended, self.count = sum(self.work.values()), 0, 0
        self.before = 0.0
        """Work done earlier."""
        self.shown: dict[str, _Shown] = {}
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[facts]}", markup=False),
            console=console,
            disable=not self.live,
            speed_estimate_period=120,
        )
        self.suite = self.progress.add_task("all runs", total=self.total or 1, facts="")
        self.started = time.monotonic()

    def __enter__(self) -> "ProgressDisplay":
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def begin(self, cell: Cell) -> None:
        """A run starts."""
        self.count += 1
        self._say(f"[{self.count}/{len(self.work)}] {cell.name}: run {cell.run_id}")
        iterations = cell.spec.schedule.iterations
        task = self.progress.add_task(cell.name, total=iterations, facts="starting")
        self.shown[cell.run_id] = _Shown(task, time.monotonic())

    def event(self, cell: Cell, event: Event) -> None:
        """Something was measured."""
        run = self.shown[cell.run_id]
        if "iteration" in event:
            run.share = event["iteration"] / max(1, cell.spec.schedule.iterations)
            if run.before is None:
                run.before = run.share if event["event"] == Kind.RESUME else 0.0
                self.before += run.before * self.work[cell.run_id]
        if event["event"] == Kind.PROGRESS:
            facts = f"{run.epoch}, {_of(event, 'train')}, {_rate(event)}"
            self.progress.update(run.task, completed=event["iteration"], facts=facts)
            self.progress.update(self.suite, completed=self._done())
        elif event["event"] == Kind.EPOCH:
            self._end_epoch(cell, run, event)
        elif event["event"] == Kind.RESUME:
            self._print(f"{cell.name}: continues after iteration {event['iteration']}")
            if event["differs"]:
                differs = "; ".join(event["differs"])
                self._print(f"{cell.name}: it was started under different conditions: {differs}")
        elif event["event"] == Kind.ANEW:
            self._print(f"{cell.name}: starts over, as there is no intact checkpoint")
        elif event["event"] == Kind.REFUSED:
            self._print(f"{cell.name}: {event['reason']}")
        elif event["event"] == Kind.STOPPING:
            self._print(f"{cell.name}: stopping after a checkpoint; Ctrl-C again stops at once")

    def end(self, cell: Cell, status: str, reason: str) -> None:
        """A run ended."""
        self.ended += self.work[cell.run_id]
        self.progress.remove_task(self.shown.pop(cell.run_id).task)
        self.progress.update(self.suite, completed=self._done())
        self._print(f"{cell.name}: {status}{f' ({reason})' if reason else ''}")

    def _done(self) -> float:
        """Return the work done so far, with that of earlier attempts."""
        under_way = (run.share * self.work[run_id] for run_id, run in self.shown.items())
        return self.ended + sum(under_way)

    def _end_epoch(self, cell: Cell, run: _Shown, event: Event) -> None:
        trained, scored = _of(event, "train"), _of(event, "test") or _of(event, "validation")
        scored = scored and f", {scored}"
        run.epoch = f"epoch {event['epoch'] + 1}{scored}"
        if not trained:
            self._say(f"{cell.name}: not trained{scored}")
            return
        self._say(
            f"{cell.name}: epoch {event['epoch']}, iteration {event['iteration']}, "
            f"{trained}{scored}, {_rate(event)}, {self._left()} left of the suite"
        )

    def _left(self) -> str:
        """Return how long the suite will take, at the pace of all runs so far, but no less than one
        of those under way: the last ones have no others beside them."""
        now, done = time.monotonic(), self._done()
        paces = [(self.total - done, done - self.before, now - self.started)]
        for run in self.shown.values():
            paces.append((1 - run.share, run.share - (run.before or 0.0), now - run.started))
        known = [spent * left / made for left, made, spent in paces if made > 0]
        return duration(max(known)) if known else "?"

    def _print(self, text: str) -> None:
        """Print a line, on a terminal too."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _say(self, text: str) -> None:
        """Print a line for logs; on a terminal the live display shows it."""
        if not self.live:
            self._print(text)


def _of(event: Event, split: str) -> str:
    """Return the text of the first metric of a split that the event has; empty if there is none, as
    for a run that is not trained or an epoch that was not scored."""
    said = (each for each in METRICS if each.said and each.key.startswith(f"{split}_"))
    found = ((each.said, number_of(event, each.key)) for each in said)
    return next((text.format(number) for text, number in found if number is not None), "")


def _rate(event: Event) -> str:
    rate = event["images_per_s"]
    return f"{rate:.0f} images/s" if rate >= 10 else f"{rate:.2g} images/s"

"""The training of a suite's runs, look by look, and the tests that its claims need."""

from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console

from benchmark.counts import counted
from benchmark.listening.progress import ProgressDisplay
from benchmark.records.store import Store
from benchmark.report.undecided import stages
from benchmark.reproduction.fill_in import FilledIn, fill_in, lacking_of
from benchmark.running.budget import ended_after
from benchmark.running.checks import require_usable
from benchmark.running.request import Asked
from benchmark.running.testing import tested_as_claimed
from benchmark.running.where import Where
from benchmark.scheduling.runner import Listener, Outcome, Place, run_plan, to_train
from benchmark.status import DONE, Status
from benchmark.suite import Cell, Plan


@dataclass
class Trained:
    """The outcome of a training."""

    outcome: Outcome = field(default_factory=Outcome)
    filled: FilledIn = field(default_factory=FilledIn)
    tested: bool = True
    """Whether all tests required by claims could be run."""


class Training:
    """The runs of a suite that are to be trained, and where."""

    def __init__(
        self,
        asked: Asked,
        store: Store,
        where: Where,
        *,
        retry_failed: bool,
        fills_in: bool,
        say: Callable[[str], None] | None,
    ):
        """See ``run_suite``. Raises InputError for what cannot be trained; writes nothing."""
        self.asked, self.plan, self.store, self.where = asked, asked.part.plan, store, where
        self.retry_failed, self.fills_in, self.say = retry_failed, fills_in, say
        self.runs = self.plan.runs()
        self.cells = to_train(self.plan, store, retry_failed=retry_failed)
        lacking = self._lacking() if fills_in else []
        require_usable(
            (cell.spec for cell in [*self.cells, *lacking]),
            store,
            planned={run_id: cell.spec for run_id, cell in self.runs.items()},
            due={cell.run_id for cell in self.cells},
            say=self.tell,
        )
        self.place = self._place(self.cells)

    def tell(self, line: str) -> None:
        """Report a line of progress, unless nobody listens."""
        if self.say:
            self.say(line)

    def summary(self) -> str:
        """Return how many runs are done, and how many are to be trained."""
        done = sum(self.store.status(run_id) in DONE for run_id in self.runs)
        whole = len(self.asked.whole.plan.runs())
        part = f" of the {whole} of the suite" if self.asked.selection.words else ""
        several = min(len(self.cells), len(self.where.shares(self.cells)))
        at_once = f", {several} at once" if several > 1 else ""
        most = "at most " if self.asked.whole.suite.looks else ""
        return (
            f"{counted(done, 'run is', 'runs are')} done, "
            f"{most}{len(self.cells)} to be trained{at_once}{part}."
        )

    def run(self, mirror: list[Listener], budget_s: float) -> Trained:
        """Train look by look, as long as a claim is undecided; then fill in, if requested.
        ``mirror``: the listener that copies the runs to MLflow, if there is one."""
        trained = Trained()
        with ended_after(budget_s):
            for number, stage in enumerate(stages(self.asked.part, self.store)):
                self._train(number, stage, mirror, trained)
                busy = Status.BUSY in trained.outcome.statuses.values()
                if trained.outcome.interrupted or not trained.tested or busy:
                    break  # A look needs all of its results.
            if self.fills_in and not trained.outcome.interrupted:
                self._fill_in(mirror, trained)
        return trained

    def _train(self, number: int, stage: Plan, mirror: list[Listener], trained: Trained) -> None:
        """Train the runs of one look, the first of which has number 0."""
        cells = to_train(stage, self.store, retry_failed=self.retry_failed)
        if number and self.asked.whole.suite.looks:
            self.tell(self._next_look(number, stage))
            self.place = self._place(cells)
        with self._display(cells) as display:
            listeners = [display, *mirror]
            outcome = run_plan(
                stage, self.store, listeners, self.place, retry_failed=self.retry_failed
            )
        trained.outcome = trained.outcome.followed_by(outcome)
        self._test(trained)

    def _fill_in(self, mirror: list[Listener], trained: Trained) -> None:
        """Retrain the runs that ended without everything that the suite measures."""

        def place(aside: Store, again: list[Cell]) -> Place:
            return self.where.place(
                again, self.runs.values(), self.store, retry_failed=True, into=aside
            )

        with self._display(self._lacking()) as display:  # Those that ended just now, too.
            trained.filled = fill_in(self.plan, self.store, [display, *mirror], place)
        trained.outcome.interrupted = trained.filled.interrupted
        self._test(trained)

    def _lacking(self) -> list[Cell]:
        return [cell for cell, _ in lacking_of(self.plan, self.store)]

    def _test(self, trained: Trained) -> None:
        trained.tested = trained.outcome.interrupted or tested_as_claimed(
            self.asked.part, self.store, self.say
        )

    def _place(self, cells: list[Cell]) -> Place:
        return self.where.place(
            cells, self.runs.values(), self.store, retry_failed=self.retry_failed
        )

    def _display(self, cells: list[Cell]) -> ProgressDisplay:
        return ProgressDisplay(cells, Console(quiet=self.say is None))

    def _next_look(self, number: int, stage: Plan) -> str:
        """Return the message before the runs that follow look ``number``, counted from 1."""
        looks = self.asked.whole.suite.looks
        assert looks is not None
        variants = ", ".join(dict.fromkeys(cell.variant for cell in stage.cells))
        before, seeds = looks.looks[number - 1 : number + 1]
        undecided = f"Not everything is decided after {counted(before, 'seed')}."
        return f"{undecided} Continuing to {counted(seeds, 'seed')}: {variants}."

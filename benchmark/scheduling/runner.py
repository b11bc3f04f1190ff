"""Have a suite's runs trained somewhere, several at once, and tell listeners what happens."""

import logging
import queue
import signal
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from benchmark.events import Event, Kind
from benchmark.records.checkpoint import Checkpoints
from benchmark.records.problems import RecordsError, one_line
from benchmark.records.store import RunFolder, Store
from benchmark.status import DONE, ENDED, Status
from benchmark.suite import Cell, Plan

_LOG = logging.getLogger("resnet_bench.runs")

Ended = tuple[str, str]
"""Status and reason: ``finished``, ``diverged``, ``failed``, ``interrupted``, or ``busy`` where
another process trains the run."""


class Listener(Protocol):
    """Who is told of what happens; always by one thread."""

    def begin(self, cell: Cell) -> None:
        """A run starts."""

    def event(self, cell: Cell, event: Event) -> None:
        """Something was measured."""

    def end(self, cell: Cell, status: str, reason: str) -> None:
        """A run ended, as ``Ended`` tells."""


@dataclass(frozen=True)
class Job:
    """A run that is to be trained."""

    cell: Cell
    folder: RunFolder
    due: Callable[[RunFolder], bool]
    """Whether it is still to be trained, asked once it is held."""
    epochs: int | None
    """Only so many."""


class Place(Protocol):
    """Where runs are trained."""

    def has_room(self, cell: Cell, beside: Collection[Cell]) -> bool:
        """Whether a run may be started beside those that are under way."""

    def start(self, job: Job, tell: Callable[[Event], None]) -> Future[Ended]:
        """Start a run; ``tell`` is told of what is measured, by any thread."""

    def stop(self) -> None:
        """End all of them after a checkpoint; called again, at once. By a signal's handler."""

    def close(self) -> None:
        """End at once what is left, and give back what was taken."""


@dataclass
class Outcome:
    """What became of a plan's runs."""

    statuses: dict[str, str] = field(default_factory=dict)
    """Run id -> status; ``busy`` where another process trains the run."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Run id -> why it ended as it did, of those that were started."""
    trained: int = 0
    """Runs that were started."""
    interrupted: bool = False

    def followed_by(self, other: "Outcome") -> "Outcome":
        """The two as one."""
        return Outcome(
            self.statuses | other.statuses,
            self.reasons | other.reasons,
            self.trained + other.trained,
            self.interrupted or other.interrupted,
        )


def to_train(plan: Plan, store: Store, *, retry_failed: bool) -> list[Cell]:
    """The plan's runs that have not ended; with ``retry_failed`` those that failed, too."""
    ended = DONE if retry_failed else ENDED
    return [cell for run_id, cell in plan.runs().items() if store.status(run_id) not in ended]


def run_plan(
    plan: Plan,
    store: Store,
    listeners: Sequence[Listener],
    place: Place,
    *,
    retry_failed: bool = False,
    epochs: int | None = None,
    due: Callable[[RunFolder], bool] | None = None,
) -> Outcome:
    """Train each run of the plan that has not ended yet, from its last checkpoint on, at most to
    the end of epoch ``epochs``; then close the place. One that fails stops no other, and is tried
    again with ``retry_failed`` alone. ``due``: says so instead, of a folder that is not held by
    another process. Ctrl-C ends those under way after a checkpoint, another Ctrl-C at once, and
    those after them stay as they are."""
    due = due or _Due(plan, store, retry_failed)
    return _Running(plan, store, listeners, place, due, epochs).run()


class _Due:
    """Whether a run is to be trained. Another process may have come first since the plan was
    looked at: what failed with it is not tried again."""

    def __init__(self, plan: Plan, store: Store, retry_failed: bool):
        asked = to_train(plan, store, retry_failed=retry_failed)
        self.attempts = dict.fromkeys([cell.run_id for cell in asked], 0)
        for cell in asked:
            with suppress(OSError, RecordsError):  # It is told when the run is to begin.
                self.attempts[cell.run_id] = store.run(cell).attempts()

    def __call__(self, folder: RunFolder) -> bool:
        before = self.attempts.get(folder.run_id)
        if before is None:  # Another process tries again what is none of ours.
            return False
        status = folder.status()
        return status not in ENDED or (status == Status.FAILED and folder.attempts() == before)


class _Running:
    """This thread starts the runs and tells the listeners; what others hand over is done here."""

    def __init__(
        self,
        plan: Plan,
        store: Store,
        listeners: Sequence[Listener],
        place: Place,
        due: Callable[[RunFolder], bool],
        epochs: int | None,
    ):
        self.store, self.listeners, self.place, self.epochs = store, listeners, place, epochs
        self.due = due
        self.waiting = deque(plan.runs().values())
        self.pending = set(plan.runs())
        """Of the runs that have not ended here, the ids."""
        self.under_way: dict[str, Cell] = {}
        self.handed_over: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.outcome = Outcome()

    def run(self) -> Outcome:
        try:
            with _interrupts(self._interrupted):
                self._start_what_fits()
                while self.under_way:
                    self.handed_over.get()()
                    self._start_what_fits()
        finally:
            self.place.close()
        return self.outcome

    def _start_what_fits(self) -> None:
        while not self.outcome.interrupted and (cell := self._next()):
            if not self.place.has_room(cell, self.under_way.values()):
                return
            self.waiting.remove(cell)
            try:
                self._start_if_due(cell, self.store.run(cell))
            except Exception as error:  # Whatever its folder holds; the next one's may be sound.
                self._leave(cell, Status.FAILED, one_line(error))

    def _next(self) -> Cell | None:
        """The first whose pretrained weights, if it begins from any, are there."""
        return next((cell for cell in self.waiting if cell.source not in self.pending), None)

    def _start_if_due(self, cell: Cell, folder: RunFolder) -> None:
        folder.require_own_id()
        if cell.source and self.outcome.statuses.get(cell.source) == Status.BUSY:
            self._leave(cell, Status.BUSY, "another process is training what it begins from")
        elif self.due(folder):
            self._start(Job(cell, folder, self.due, self.epochs))
        else:
            self._leave(cell, folder.status())
            if folder.done():  # By a worker that was killed before it had tidied up.
                Checkpoints(folder.checkpoints).clear()

    def _leave(self, cell: Cell, status: str, reason: str = "") -> None:
        """Without a start."""
        self.pending.discard(cell.run_id)
        self.outcome.statuses[cell.run_id] = status
        if reason:
            self.outcome.reasons[cell.run_id] = reason

    def _start(self, job: Job) -> None:
        self.outcome.trained += 1
        self.under_way[job.cell.run_id] = job.cell
        for listener in self.listeners:
            listener.begin(job.cell)
        _LOG.info("%s starts: run %s", job.cell.name, job.cell.run_id)
        told = self.place.start(
            job, lambda event: self.handed_over.put(lambda: self._tell(job.cell, event))
        )
        told.add_done_callback(lambda done: self.handed_over.put(lambda: self._end(job, done)))

    def _tell(self, cell: Cell, event: Event) -> None:
        if cell.run_id in self.under_way:
            for listener in self.listeners:
                listener.event(cell, event)
            if event["event"] != "progress":
                _LOG.debug("%s: %s", cell.name, event["event"])

    def _end(self, job: Job, done: Future[Ended]) -> None:
        try:
            status, reason = done.result()
        except Exception as error:  # Of the place, such as a node that is gone.
            status, reason = Status.FAILED, one_line(error)
        run_id = job.cell.run_id
        del self.under_way[run_id]
        self.pending.discard(run_id)
        for listener in self.listeners:
            listener.end(job.cell, status, reason)
        level = logging.WARNING if status == Status.FAILED else logging.INFO
        _LOG.log(level, "%s ended: %s %s", job.cell.name, status, reason)
        self.outcome.statuses[run_id], self.outcome.reasons[run_id] = status, reason
        if status == Status.BUSY:
            with suppress(OSError):
                now = job.folder.status()
                if now in ENDED:  # With another process.
                    self.outcome.statuses[run_id] = now

    def _interrupted(self) -> None:
        """By a signal, at any moment."""
        self.outcome.interrupted = True
        self.place.stop()
        self.handed_over.put(self._tell_of_stopping)

    def _tell_of_stopping(self) -> None:
        for cell in self.under_way.values():
            self._tell(cell, {"event": Kind.STOPPING})


@contextmanager
def _interrupts(act: Callable[[], None]) -> Iterator[None]:
    """What would raise KeyboardInterrupt calls ``act`` instead. Signals reach the main thread
    alone; in another one this does nothing."""
    taken = [
        number
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
        if threading.current_thread() is threading.main_thread()
        and signal.getsignal(number) is signal.default_int_handler
    ]
    for number in taken:
        signal.signal(number, lambda *_: act())
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.default_int_handler)

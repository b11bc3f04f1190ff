"""Train a suite's runs in some place, several at once, and report events to listeners."""

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
"""Status and reason. Status: ``finished``, ``diverged``, ``failed``, ``interrupted``, or ``busy``
if another process is training the run."""


class Listener(Protocol):
    """A listener to events; it is always called from the same thread."""

    def begin(self, cell: Cell) -> None:
        """A run starts."""

    def event(self, cell: Cell, event: Event) -> None:
        """Something was measured."""

    def end(self, cell: Cell, status: str, reason: str) -> None:
        """A run ended, with the status and reason of ``Ended``."""


@dataclass(frozen=True)
class Job:
    """A run to be trained."""

    cell: Cell
    folder: RunFolder
    due: Callable[[RunFolder], bool]
    """Whether it is still to be trained, called once it is held."""
    epochs: int | None
    """The most epochs to train; None: all."""


class Place(Protocol):
    """A place where runs are trained."""

    def has_room(self, cell: Cell, beside: Collection[Cell]) -> bool:
        """Return whether a run may start next to those under way."""

    def start(self, job: Job, tell: Callable[[Event], None]) -> Future[Ended]:
        """Start a run; ``tell`` is called with its events, from any thread."""

    def stop(self) -> None:
        """End all runs after a checkpoint; on the second call, at once. For signal handlers."""

    def close(self) -> None:
        """End the remaining runs at once, and release all resources."""


@dataclass
class Outcome:
    """The outcome of a plan's runs."""

    statuses: dict[str, str] = field(default_factory=dict)
    """Run id -> status; ``busy`` if another process is training the run."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Run id -> why it ended as it did, for those that were started."""
    trained: int = 0
    """Number of runs that were started."""
    interrupted: bool = False

    def followed_by(self, other: "Outcome") -> "Outcome":
        """Return this outcome merged with a later one."""
        return Outcome(
            self.statuses | other.statuses,
            self.reasons | other.reasons,
            self.trained + other.trained,
            self.interrupted or other.interrupted,
        )


def to_train(plan: Plan, store: Store, *, retry_failed: bool) -> list[Cell]:
    """Return the plan's runs that have not ended; with ``retry_failed``, also those that failed."""
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
    """Train each run of the plan that has not ended yet, from its last checkpoint, at most to the
    end of epoch ``epochs``; then close the place. A run that fails stops no other, and is retried
    only with ``retry_failed``. ``due``: decides instead whether to train a run, given a folder that
    no other process holds. Ctrl-C ends the runs under way after a checkpoint, a second Ctrl-C at
    once; the runs not yet started stay as they are."""
    due = due or _Due(plan, store, retry_failed)
    return _Running(plan, store, listeners, place, due, epochs).run()


class _Due:
    """The decision whether a run is to be trained. Another process may have trained it since the
    plan was read: if the run failed there, it is not retried."""

    def __init__(self, plan: Plan, store: Store, retry_failed: bool):
        asked = to_train(plan, store, retry_failed=retry_failed)
        self.attempts = dict.fromkeys([cell.run_id for cell in asked], 0)
        for cell in asked:
            with suppress(OSError, RecordsError):  # Reported when the run is due to start.
                self.attempts[cell.run_id] = store.run(cell).attempts()

    def __call__(self, folder: RunFolder) -> bool:
        before = self.attempts.get(folder.run_id)
        if before is None:  # Not ours to train; another process is retrying it.
            return False
        status = folder.status()
        return status not in ENDED or (status == Status.FAILED and folder.attempts() == before)


class _Running:
    """The loop that starts the runs and calls the listeners, with work that other threads hand over
    to this one."""

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
        """The ids of the runs that have not ended here."""
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
            except Exception as error:  # Its folder may hold anything; the next one may be fine.
                self._leave(cell, Status.FAILED, one_line(error))

    def _next(self) -> Cell | None:
        """Return the first run whose pretrained weights, if it starts from any, are there."""
        return next((cell for cell in self.waiting if cell.source not in self.pending), None)

    def _start_if_due(self, cell: Cell, folder: RunFolder) -> None:
        folder.require_own_id()
        if cell.source and self.outcome.statuses.get(cell.source) == Status.BUSY:
            self._leave(cell, Status.BUSY, "another process is training what it begins from")
        elif self.due(folder):
            self._start(Job(cell, folder, self.due, self.epochs))
        else:
            self._leave(cell, folder.status())
            if folder.done():  # By a worker that was killed before it had cleaned up.
                Checkpoints(folder.checkpoints).clear()

    def _leave(self, cell: Cell, status: str, reason: str = "") -> None:
        """Report a run as ended without starting it."""
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
        except Exception as error:  # From the place, for example because a node is gone.
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
                if now in ENDED:  # Another process has ended it.
                    self.outcome.statuses[run_id] = now

    def _interrupted(self) -> None:
        """Handle a signal, which may come at any moment."""
        self.outcome.interrupted = True
        self.place.stop()
        self.handed_over.put(self._tell_of_stopping)

    def _tell_of_stopping(self) -> None:
        for cell in self.under_way.values():
            self._tell(cell, {"event": Kind.STOPPING})


@contextmanager
def _interrupts(act: Callable[[], None]) -> Iterator[None]:
    """Call ``act`` on signals that would raise KeyboardInterrupt. Signals reach only the main
    thread; in any other this does nothing."""
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

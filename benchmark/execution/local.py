"""Train a suite's runs on this machine, one after the other, each in its own process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from benchmark.execution import failure
from benchmark.execution.failure import Failure
from benchmark.execution.lease import Lease, lease
from benchmark.execution.worker import PARENT
from benchmark.records.checkpoint import Checkpoints
from benchmark.records.journal import Event
from benchmark.records.problems import RecordsError, one_line
from benchmark.records.result import summarize
from benchmark.records.store import DONE, RunFolder, Store
from benchmark.suite import Cell, Plan

WORKER = ("-m", "benchmark.execution.worker")
"""What Python runs for a run."""

ENDED = (*DONE, "failed")
"""The statuses of a run that is trained again only where that is asked for, or never."""


class Listener(Protocol):
    """Who is told of what happens."""

    def begin(self, cell: Cell) -> None:
        """A run starts."""

    def event(self, cell: Cell, event: Event) -> None:
        """Something was measured."""

    def end(self, cell: Cell, status: str, reason: str) -> None:
        """A run ended: ``finished``, ``diverged``, ``failed``, ``interrupted`` or ``busy``."""


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


def to_train(plan: Plan, store: Store, *, retry_failed: bool) -> list[Cell]:
    """The plan's runs that have not ended; with ``retry_failed`` those that failed, too."""
    ended = DONE if retry_failed else ENDED
    return [cell for run_id, cell in plan.runs().items() if store.run(run_id).status() not in ended]


def run_plan(
    plan: Plan, store: Store, listeners: list[Listener], *, retry_failed: bool = False
) -> Outcome:
    """Train each run of the plan that has not ended yet, from its last checkpoint on. One that
    fails stops no other, and is tried again with ``retry_failed`` alone. Ctrl-C ends the present
    one after a checkpoint, and those after it stay as they are."""
    outcome = Outcome()
    due = _Due(plan, store, retry_failed)
    for run_id, cell in plan.runs().items():
        folder = store.run(run_id)
        status = folder.status()
        if due(folder):
            outcome.trained += 1
            for listener in listeners:
                listener.begin(cell)
            status, reason = train_run(cell, folder, listeners, due=due)
            for listener in listeners:
                listener.end(cell, status, reason)
            outcome.interrupted = status == "interrupted"
            outcome.reasons[run_id] = reason
            if status == "busy" and folder.status() in ENDED:  # With another process.
                status = folder.status()
        elif folder.done():  # By a worker that was killed before it had tidied up.
            Checkpoints(folder.checkpoints).clear()
        outcome.statuses[run_id] = status
        if outcome.interrupted:
            break
    return outcome


def train_run(
    cell: Cell,
    folder: RunFolder,
    listeners: list[Listener],
    epochs: int | None = None,
    worker: Sequence[str] = WORKER,
    due: Callable[[RunFolder], bool] = lambda folder: not folder.done(),
) -> tuple[str, str]:
    """Begin an attempt of a run that no other process trains, and wait for its end, or that of
    epoch ``epochs``. Returns status and reason.

    ``worker``: what Python is to run, with the run's folder and ``epochs`` as its last arguments.
    ``due``: whether the run is still to be trained, asked once it is held.
    """
    try:
        with lease(folder) as lock:
            if lock is None:
                return "busy", "another process is training this run"
            if not due(folder):
                return "busy", f"another process came first: {folder.status()}"
            folder.prepare(cell.spec)
            folder.begin()
            arguments = [str(folder.path.resolve()), *([str(epochs)] if epochs else [])]
            return _Attempt(cell, folder, listeners, lock).work([*worker, *arguments])
    except (OSError, RecordsError) as error:  # Of this run's folder; the next one's may be sound.
        return "failed", one_line(error)


class _Due:
    """Whether a run is to be trained. Another process may have come first since the plan was
    looked at: what failed with it is not tried again."""

    def __init__(self, plan: Plan, store: Store, retry_failed: bool):
        asked = to_train(plan, store, retry_failed=retry_failed)
        self.attempts = {cell.run_id: store.run(cell).attempts() for cell in asked}

    def __call__(self, folder: RunFolder) -> bool:
        status, before = folder.status(), self.attempts.get(folder.run_id)
        return status not in ENDED or (status == "failed" and folder.attempts() == before)


class _Attempt:
    def __init__(self, cell: Cell, folder: RunFolder, listeners: list[Listener], lock: Lease):
        self.cell, self.folder, self.listeners, self.lock = cell, folder, listeners, lock
        self.failure: Failure | None = None
        """As the worker told it."""

    def work(self, command: list[str]) -> tuple[str, str]:
        """Start the worker, pass its events on, and see how it ended."""
        folder, oom_kills = self.folder, failure.oom_kills()
        logged = folder.log.stat().st_size if folder.log.exists() else 0
        worker = _start(command, folder, self.lock)
        try:
            self._follow(worker)
        except KeyboardInterrupt:
            self._stop(worker)
            _kill(worker)  # It writes nothing more.
            if folder.done():
                return "interrupted", f"Ctrl-C; this run is {folder.status()} all the same"
            return self._record("interrupted", "Ctrl-C")
        finally:
            _kill(worker)
        code, result = worker.returncode, folder.result()
        if result and (code == 0 or folder.done()):
            return result["status"], ""
        log = folder.log.read_bytes()[logged:]
        why = self.failure or failure.of_exit(code, log, oom_kills)
        return self._record("failed", why["reason"], why["failure"])

    def _follow(self, worker: subprocess.Popen[str]) -> None:
        """Pass events on until the worker has ended."""
        for event in _events(worker):
            if event["event"] == "failed":
                self.failure = event
            self._tell(event)
        worker.wait()

    def _stop(self, worker: subprocess.Popen[str]) -> None:
        """Have the worker end after a checkpoint; another Ctrl-C ends it at once."""
        try:
            self._tell({"event": "stopping"})
            worker.terminate()
            self._follow(worker)
        except KeyboardInterrupt:
            pass

    def _tell(self, event: Event) -> None:
        for listener in self.listeners:
            listener.event(self.cell, event)

    def _record(self, status: str, reason: str, kind: str | None = None) -> tuple[str, str]:
        """A run that failed is a row too: what the journal has of this attempt, if it can be
        read."""
        if not self.lock.is_held():
            return "busy", "another machine has taken this run over"
        try:
            events = self.folder.events()
        except RecordsError:
            events = []
        with suppress(OSError):  # Of a disk that is full, say: the reason is told all the same.
            self.folder.end(summarize(events, status, reason, kind))
        return status, f"{kind}: {reason}" if kind else reason


def _start(command: list[str], folder: RunFolder, lock: Lease) -> subprocess.Popen[str]:
    """The worker's process, in a session of its own: Ctrl-C reaches this process alone, which
    then ends the worker. ``-P``: a ``keras.py`` in the current folder is not Keras."""
    with folder.log.open("a") as log:
        return subprocess.Popen(
            [sys.executable, "-P", *command],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2", PARENT: str(os.getpid())},
            start_new_session=True,
            pass_fds=[lock.descriptor],
        )


def _kill(worker: subprocess.Popen[str]) -> None:
    worker.kill()
    worker.wait()
    if worker.stdout:
        worker.stdout.close()


def _events(worker: subprocess.Popen[str]) -> Iterator[Event]:
    for line in worker.stdout or ():
        if line.endswith("\n"):  # A worker that was killed leaves half a line.
            yield json.loads(line)

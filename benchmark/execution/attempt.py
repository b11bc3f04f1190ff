"""One attempt of a run: its worker's process, from its start to its end."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from benchmark.execution import failure
from benchmark.execution.environment import of_worker
from benchmark.execution.failure import Failure
from benchmark.execution.lease import Lease, lease
from benchmark.execution.share import WHOLE, Share
from benchmark.execution.worker import PARENT
from benchmark.execution.workers import Workers
from benchmark.records.journal import Event
from benchmark.records.problems import RecordsError, one_line
from benchmark.records.result import summarize
from benchmark.records.store import RunFolder
from benchmark.status import Status
from benchmark.suite import Cell

WORKER = ("-m", "benchmark.execution.worker")
"""What Python runs for a run."""


def train_run(
    cell: Cell,
    folder: RunFolder,
    tell: Callable[[Event], None] = lambda event: None,
    *,
    workers: Workers | None = None,
    share: Share = WHOLE,
    epochs: int | None = None,
    worker: Sequence[str] = WORKER,
    due: Callable[[RunFolder], bool] = lambda folder: not folder.done(),
) -> tuple[str, str]:
    """Begin an attempt of a run that no other process trains, and wait for its end, or that of
    epoch ``epochs``. Returns status and reason.

    ``tell``: is told of what the worker measures. ``workers``: those that are to end when one is
    asked to. ``share``: of the machine. ``worker``: what Python is to run, with the run's folder
    and ``epochs`` as its last arguments. ``due``: whether the run is still to be trained, asked
    once it is held.
    """
    try:
        with lease(folder) as lock:
            if lock is None:
                return Status.BUSY, "another process is training this run"
            if not due(folder):
                return Status.BUSY, f"another process came first: {folder.status()}"
            folder.prepare(cell.spec)
            folder.begin()
            arguments = [str(folder.path.resolve()), *([str(epochs)] if epochs else [])]
            attempt = _Attempt(folder, tell, lock, workers or Workers())
            return attempt.work([*worker, *arguments], share)
    except (OSError, RecordsError) as error:  # Of this run's folder; the next one's may be sound.
        return Status.FAILED, one_line(error)


class _Attempt:
    def __init__(
        self, folder: RunFolder, tell: Callable[[Event], None], lock: Lease, workers: Workers
    ):
        self.folder, self.tell, self.lock, self.workers = folder, tell, lock, workers

    def work(self, command: list[str], share: Share) -> tuple[str, str]:
        """Start the worker, pass its events on, and see how it ended."""
        folder, oom_kills = self.folder, failure.oom_kills()
        logged = folder.log.stat().st_size if folder.log.exists() else 0
        told: Failure | None = None
        with self.workers.counting(_start(command, folder, self.lock, share)) as worker:
            for event in _events(worker):
                if event["event"] == "failed":
                    told = event
                self.tell(event)
            worker.wait()
        code, result = worker.returncode, folder.result()
        if result and (folder.done() or (code == 0 and not self.workers.stopping)):
            return result["status"], ""
        if self.workers.stopping:
            return self._record(Status.INTERRUPTED, "Ctrl-C")
        why = told or failure.of_exit(code, folder.log.read_bytes()[logged:], oom_kills)
        return self._record(Status.FAILED, why["reason"], why["failure"])

    def _record(self, status: str, reason: str, kind: str | None = None) -> tuple[str, str]:
        """A run that failed is a row too: what the journal has of this attempt, if it can be
        read."""
        if not self.lock.is_held():
            return Status.BUSY, "another machine has taken this run over"
        try:
            events = self.folder.events()
        except RecordsError:
            events = []
        with suppress(OSError):  # Of a disk that is full, say: the reason is told all the same.
            self.folder.end(summarize(events, status, reason, kind))
        return status, f"{kind}: {reason}" if kind else reason


def _start(
    command: list[str], folder: RunFolder, lock: Lease, share: Share
) -> subprocess.Popen[str]:
    """The worker's process, in a group of its own: Ctrl-C reaches this process alone, which then
    ends the worker. It shares the session: Linux may give each session an equal part of the
    processors, and then what stands back in this one would not stand back for the worker. ``-P``: a
    ``keras.py`` in the current folder is not Keras."""
    own = of_worker(os.environ) | {PARENT: str(os.getpid())} | share.environment()
    with folder.log.open("a") as log:
        return subprocess.Popen(
            [sys.executable, "-P", *command],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=own,
            process_group=0,
            pass_fds=[lock.descriptor],
        )


def _events(worker: subprocess.Popen[str]) -> Iterator[Event]:
    for line in worker.stdout or ():
        if line.endswith("\n"):  # A worker that was killed leaves half a line.
            yield json.loads(line)

"""One attempt to train a run: its worker process, from start to end."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import BinaryIO

from benchmark.events import Event, Kind, event_of
from benchmark.records.problems import RecordsError, one_line
from benchmark.records.result import summarize
from benchmark.records.store import RunFolder
from benchmark.scheduling.share import WHOLE, Share
from benchmark.scheduling.workers import Workers
from benchmark.status import Status
from benchmark.suite import Cell
from benchmark.worker import failure
from benchmark.worker.environment import of_worker
from benchmark.worker.lease import Lease, lease, who_holds
from benchmark.worker.main import EVENTS, PARENT

WORKER = ("-m", "benchmark.worker.main")
"""Python's arguments for the worker process of a run."""


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
    """Start an attempt of a run that no other process is training, and wait until it ends, or until
    the end of epoch ``epochs``. Returns status and reason.

    ``tell``: called with the worker's events. ``workers``: the group that this one joins, so that
    all can be stopped together. ``share``: the run's part of the machine. ``worker``: Python's
    arguments for the worker, followed by the run's folder and ``epochs``. ``due``: whether the run
    is still to be trained, called once it is held.
    """
    try:
        with lease(folder) as lock:
            if lock is None:
                return Status.BUSY, f"{who_holds(folder)} has this run"
            if not due(folder):
                return Status.BUSY, f"another process came first: {folder.status()}"
            folder.prepare(cell.spec)
            folder.begin()
            arguments = [str(folder.path.resolve()), *([str(epochs)] if epochs else [])]
            attempt = _Attempt(folder, tell, lock, workers or Workers())
            try:
                return attempt.work([*worker, *arguments], share)
            except Exception as error:
                return attempt.record(Status.FAILED, one_line(error), failure.OTHER)
    except Exception as error:  # This run may have any problem; the next one may be fine.
        return Status.FAILED, one_line(error)


class _Attempt:
    def __init__(
        self, folder: RunFolder, tell: Callable[[Event], None], lock: Lease, workers: Workers
    ):
        self.folder, self.tell, self.lock, self.workers = folder, tell, lock, workers

    def work(self, command: list[str], share: Share) -> tuple[str, str]:
        """Start the worker, pass on its events, and return how it ended."""
        folder, oom_kills = self.folder, failure.oom_kills()
        logged = folder.log.stat().st_size if folder.log.exists() else 0
        told: Event | None = None
        with (
            _started(command, folder, self.lock, share) as (process, events),
            self.workers.counting(process) as worker,
        ):
            for event in _events(events, folder):
                if event["event"] == Kind.FAILED:
                    told = event
                self.tell(event)
            worker.wait()
        code, result = worker.returncode, folder.result()
        if result and (folder.done() or (code == 0 and not self.workers.stopping)):
            return result["status"], ""
        if self.workers.stopping:
            return self.record(Status.INTERRUPTED, "Ctrl-C")
        why = told or failure.of_exit(code, folder.log.read_bytes()[logged:], oom_kills)
        return self.record(Status.FAILED, why["reason"], why["failure"])

    def record(self, status: str, reason: str, kind: str | None = None) -> tuple[str, str]:
        """Record how the run ended. One that failed gets a result too: what the journal has of this
        attempt, if it can be read."""
        if not self.lock.is_held():
            return Status.BUSY, "another machine has taken this run over"
        try:
            events = self.folder.events()
        except (OSError, RecordsError):
            events = []
        with suppress(OSError):  # A full disk, for example; the reason is still returned.
            self.folder.end(summarize(events, status, reason, kind))
        return status, f"{kind}: {reason}" if kind else reason


@contextmanager
def _started(
    command: list[str], folder: RunFolder, lock: Lease, share: Share
) -> Iterator[tuple[subprocess.Popen[bytes], BinaryIO]]:
    """Start the worker in its own process group, so that Ctrl-C reaches only this process, which
    then ends the worker. It shares the session: Linux may give each session an equal part of the
    processors, and low-priority threads of this process would then not yield to the worker.
    ``-P``: a ``keras.py`` in the current folder is not Keras.

    Its events come through a separate pipe, since any library may print."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as events:
        own = of_worker(os.environ) | {PARENT: str(os.getpid()), EVENTS: str(writing)}
        own["PYTHONIOENCODING"] = "utf-8:backslashreplace"  # For anything that a library prints.
        try:
            with folder.log.open("a") as log:
                process = subprocess.Popen(
                    [sys.executable, "-P", *command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=own | share.environment(),
                    process_group=0,
                    pass_fds=[lock.descriptor, writing],
                )
        finally:
            os.close(writing)
        yield process, events


def _events(told: BinaryIO, folder: RunFolder) -> Iterator[Event]:
    """Yield the worker's events. Any other line goes to the run's log."""
    for line in told:
        if not line.endswith(b"\n"):  # A worker that was killed leaves half a line.
            return
        if event := event_of(line):
            yield event
        else:
            with suppress(OSError), folder.log.open("ab") as log:
                log.write(line)

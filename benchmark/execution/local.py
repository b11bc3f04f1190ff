"""Train a suite's runs on this machine, one after the other, each in its own process."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from benchmark.execution.lease import lease
from benchmark.records.files import write_json
from benchmark.records.journal import Event
from benchmark.records.problems import RecordsError, one_line
from benchmark.records.result import summarize
from benchmark.records.store import RunFolder, Store
from benchmark.suite import Cell, Plan


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
    trained: int = 0
    """Runs that were started."""
    interrupted: bool = False


def run_plan(plan: Plan, store: Store, listeners: list[Listener]) -> Outcome:
    """Train each run of the plan that is not done yet, from its last checkpoint on. One that fails
    stops no other; Ctrl-C ends the present one after a checkpoint, and those after it stay as they
    are."""
    outcome = Outcome()
    for run_id, cell in plan.runs().items():
        folder = store.run(run_id)
        status = folder.status()
        if not folder.done():
            outcome.trained += 1
            for listener in listeners:
                listener.begin(cell)
            status, reason = train_run(cell, folder, listeners)
            for listener in listeners:
                listener.end(cell, status, reason)
            outcome.interrupted = status == "interrupted"
        outcome.statuses[run_id] = status
        if outcome.interrupted:
            break
    return outcome


def train_run(
    cell: Cell, folder: RunFolder, listeners: list[Listener], epochs: int | None = None
) -> tuple[str, str]:
    """Begin an attempt of a run that no other process trains, and wait for its end, or that of
    epoch ``epochs``. Returns status and reason."""
    try:
        with lease(folder) as lock:
            if lock is None:
                return "busy", "another process is training this run"
            if folder.done():
                return folder.status(), "by another process"
            folder.prepare(cell.spec)
            folder.begin()
            logged = folder.log.stat().st_size if folder.log.exists() else 0
            worker = _start(folder, lock, epochs)
            return _work(cell, folder, worker, logged, listeners)
    except (OSError, RecordsError) as error:  # Of this run's folder; the next one's may be sound.
        return "failed", one_line(error)


def _work(
    cell: Cell,
    folder: RunFolder,
    worker: subprocess.Popen[str],
    logged: int,
    listeners: list[Listener],
) -> tuple[str, str]:
    """Pass the worker's events on. ``logged``: the log's bytes before it."""
    try:
        _follow(worker, cell, listeners)
    except KeyboardInterrupt:
        _stop(worker, cell, listeners)
        _kill(worker)  # It writes nothing more.
        if folder.done():
            return "interrupted", f"Ctrl-C; this run is {folder.status()} all the same"
        return _record(folder, "interrupted", "Ctrl-C")
    finally:
        _kill(worker)
    code, result = worker.returncode, folder.result()
    if code == 0 and result:
        return result["status"], ""
    return _record(folder, "failed", _why(code, folder, logged))


def _follow(worker: subprocess.Popen[str], cell: Cell, listeners: list[Listener]) -> None:
    """Pass events on until the worker has ended."""
    for event in _events(worker):
        for listener in listeners:
            listener.event(cell, event)
    worker.wait()


def _stop(worker: subprocess.Popen[str], cell: Cell, listeners: list[Listener]) -> None:
    """Have the worker end after a checkpoint; another Ctrl-C ends it at once."""
    try:
        for listener in listeners:
            listener.event(cell, {"event": "stopping"})
        worker.terminate()
        _follow(worker, cell, listeners)
    except KeyboardInterrupt:
        pass


def _start(folder: RunFolder, lock: int, epochs: int | None) -> subprocess.Popen[str]:
    """The worker's process, in a session of its own: Ctrl-C reaches this process alone, which
    then ends the worker. ``-P``: a ``keras.py`` in the current folder is not Keras."""
    command = [sys.executable, "-P", "-m", "benchmark.execution.worker"]
    command += [str(folder.path.resolve()), *([str(epochs)] if epochs else [])]
    with folder.log.open("a") as log:
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"},
            start_new_session=True,
            pass_fds=[lock],
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


def _record(folder: RunFolder, status: str, reason: str) -> tuple[str, str]:
    """A run that failed is a row too: what the journal has of this attempt, if it can be read."""
    try:
        events = folder.events()
    except RecordsError:
        events = []
    write_json(folder.path / "result.json", summarize(events, status, reason))
    return status, reason


def _why(code: int, folder: RunFolder, logged: int) -> str:
    """The signal that ended the worker, or the last line of its log after ``logged`` bytes."""
    if code < 0:
        name = signal.Signals(-code).name
        hint = " (out of memory?)" if name == "SIGKILL" else ""
        return f"killed by {name}{hint}"
    log = folder.log.read_bytes()[logged:].decode(errors="replace")
    lines = [line for line in log.splitlines() if line.strip()]
    return lines[-1].strip()[:500] if lines else f"exit code {code}"

"""Train a suite's runs on this machine, one after the other, each in its own process."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from benchmark.execution.worker import BUSY
from benchmark.records.files import write_json
from benchmark.records.journal import Event
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
    """Run id -> status."""
    trained: int = 0
    """Runs that were started."""
    interrupted: bool = False


def run_plan(plan: Plan, store: Store, listeners: list[Listener]) -> Outcome:
    """Train each run of the plan that is not done yet. One that fails stops no other; Ctrl-C
    ends the present one, and those after it stay as they are."""
    outcome = Outcome()
    for run_id, cell in plan.runs().items():
        folder = store.run(run_id)
        if not folder.done():
            outcome.trained += 1
            folder.prepare(cell.spec)
            for listener in listeners:
                listener.begin(cell)
            status, reason = _train(cell, folder, listeners)
            for listener in listeners:
                listener.end(cell, status, reason)
            outcome.interrupted = status == "interrupted"
        outcome.statuses[run_id] = folder.status()
        if outcome.interrupted:
            break
    return outcome


def _train(cell: Cell, folder: RunFolder, listeners: list[Listener]) -> tuple[str, str]:
    """Run the worker and pass its events on. Returns status and reason."""
    worker = _start(folder)
    try:
        for event in _events(worker):
            for listener in listeners:
                listener.event(cell, event)
        code = worker.wait()
    except KeyboardInterrupt:
        _kill(worker)
        return _record(folder, "interrupted", "Ctrl-C")
    finally:
        _kill(worker)
    if code == BUSY:
        return "busy", "another process is training this run"
    result = folder.result()
    if code == 0 and result:
        return result["status"], ""
    return _record(folder, "failed", _why(code, folder))


def _start(folder: RunFolder) -> subprocess.Popen[str]:
    """The worker's process, in a session of its own: Ctrl-C reaches this process alone, which
    then ends the worker."""
    with folder.log.open("a") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "benchmark.execution.worker", str(folder.path)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"},
            start_new_session=True,
        )


def _kill(worker: subprocess.Popen[str]) -> None:
    worker.kill()
    worker.wait()
    if worker.stdout:
        worker.stdout.close()


def _events(worker: subprocess.Popen[str]) -> Iterator[Event]:
    for line in worker.stdout or ():
        yield json.loads(line)


def _record(folder: RunFolder, status: str, reason: str) -> tuple[str, str]:
    """A run that failed is a row too."""
    write_json(folder.path / "result.json", summarize(folder.events(), status, reason))
    return status, reason


def _why(code: int, folder: RunFolder) -> str:
    if code < 0:
        name = signal.Signals(-code).name
        hint = " (out of memory?)" if name == "SIGKILL" else ""
        return f"killed by {name}{hint}"
    lines = [line for line in folder.log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip()[:500] if lines else f"exit code {code}"

"""The process of one run: ``python -m benchmark.worker.main RUN_FOLDER [EPOCHS]``.

Reads the folder's spec, trains from the newest intact checkpoint, and appends to the journal, which
already holds the attempt's ``start``; then writes weights and result. SIGTERM, or the end of epoch
EPOCHS, ends it after one more checkpoint. Each event is also written as a line of JSON to the
descriptor in the environment variable ``EVENTS``, or else to standard output; anything printed goes
to standard error.
"""

import ctypes
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from benchmark.events import Event

PARENT = "RESNET_BENCH_PARENT"
"""Environment variable: the process that a worker must not outlive."""

CORES = "RESNET_BENCH_CORES"
"""Environment variable: the numbers of the cores that a worker may use."""


EVENTS = "RESNET_BENCH_EVENTS"
"""Environment variable: the descriptor of the pipe for events."""


def main(path: Path, epochs: int | None = None) -> None:
    """Train the run in a folder, at most to the end of epoch ``epochs``."""
    end_with_parent()  # Before anything that takes time.
    if CORES in os.environ:  # Before anything that asks how many there are.
        os.sched_setaffinity(0, map(int, os.environ[CORES].split(",")))
    events = _claim_pipe() or claim_stdout()
    reasons: list[str] = []
    signal.signal(signal.SIGTERM, lambda number, frame: reasons.append("SIGTERM"))

    from benchmark.events import Kind
    from benchmark.records.store import RunFolder
    from benchmark.worker import environment, failure
    from benchmark.worker.failure import WAITING
    from benchmark.worker.gpu_lease import gpus_of_its_own
    from benchmark.worker.lease import end_if_taken, keep_renewing
    from benchmark.worker.train import train_folder

    phase = ""

    def tell(event: "Event") -> None:
        nonlocal phase
        phase = event.get("phase", "")
        print(json.dumps(event), file=events, flush=True)
        if event["event"] == Kind.EPOCH and event["epoch"] == epochs:
            reasons.append("enough epochs")

    folder = RunFolder(path)
    keep_renewing(folder)
    replicas = ((folder.spec() or {}).get("numerics") or {}).get("replicas", 1)
    try:
        with gpus_of_its_own(replicas, lambda: tell({"event": Kind.PHASE, "phase": WAITING})):
            environment.load_libraries()
            train_folder(path, tell, lambda: bool(reasons), lambda: end_if_taken(folder))
    except Exception as error:
        tell({"event": Kind.FAILED, **failure.of_error(error, phase)})
        raise


def _claim_pipe() -> TextIO | None:
    """Take the pipe for events, which no child process may inherit."""
    number = os.environ.pop(EVENTS, None)
    if number is None:
        return None
    os.set_inheritable(int(number), False)
    return os.fdopen(int(number), "w")


def claim_stdout() -> TextIO:
    """Reserve standard output for the events; what libraries print goes to standard error."""
    events = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return events


def end_with_parent() -> None:
    """On Linux, have the kernel end this process when the one that started it ends."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    parent = os.environ.get(PARENT)
    if parent is not None and os.getppid() != int(parent):  # It has already ended.
        os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))

"""The process of one run: ``python -m benchmark.execution.worker RUN_FOLDER [EPOCHS]``.

Reads the folder's spec, trains on from the newest checkpoint that is whole, and adds to the
journal, which holds the attempt's ``start`` already; then writes weights and result. SIGTERM, or
the end of epoch EPOCHS, ends it after one more checkpoint. Each event is also a line of JSON on
standard output; all else that is printed goes to standard error.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from benchmark.execution import failure
from benchmark.execution.lease import keep_renewing
from benchmark.records.store import RunFolder


def main(path: Path, epochs: int | None = None) -> None:
    """Train the run of a folder, at most until the end of epoch ``epochs``."""
    events = claim_stdout()
    _end_with_parent()
    reasons: list[str] = []
    signal.signal(signal.SIGTERM, lambda number, frame: reasons.append("SIGTERM"))

    told: list[str] = []

    def tell(event: dict) -> None:
        told.append(event["event"])
        print(json.dumps(event), file=events, flush=True)
        if event["event"] == "epoch" and event["epoch"] == epochs:
            reasons.append("enough epochs")

    keep_renewing(RunFolder(path))
    try:
        train_folder(path, tell, lambda: bool(reasons))
    except Exception as error:
        building = "built" not in told
        tell(failure.event_of(failure.of_error(error, building=building)))
        raise


def train_folder(
    path: Path, tell: Callable[[dict], None], stop: Callable[[], bool] = lambda: False
) -> None:
    """Train the run of a folder, write its records, and ``tell`` each event. When ``stop`` says
    so, it is interrupted, and can go on from there."""
    began = time.monotonic()
    from safetensors.numpy import save as serialized

    from benchmark.data import cifar10
    from benchmark.records.checkpoint import Checkpoints
    from benchmark.records.files import write_bytes, write_json
    from benchmark.records.journal import Event, Journal
    from benchmark.records.provenance import provenance
    from benchmark.records.result import summarize
    from benchmark.spec import RunSpec
    from benchmark.training import process
    from benchmark.training.loop import train
    from benchmark.training.state import State
    from benchmark.training.weights import weight_arrays

    folder = RunFolder(path)
    spec = RunSpec.model_validate(folder.spec())
    write_json(path / "provenance.json", provenance())
    journal = Journal(folder.journal)

    def on_event(event: Event) -> None:
        if event["event"] == "built":
            event |= {"dataset_sha256": images.sha256, "split": spec.evaluation.split}
        if event["event"] == "end":
            event["peak_memory_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if event["event"] != "progress":
            event = journal.append(event)
        tell(event)

    process.configure(spec.numerics, spec.seed)
    images = cifar10.load(spec.dataset.name)
    checkpoints = Checkpoints(folder.checkpoints)
    found = checkpoints.newest(lambda why: on_event({"event": "refused", "reason": why}))
    before = 0.0
    if found:
        before = found.counters.pop("wall_time_s")
        on_event(
            {
                "event": "resume",
                "epoch": found.counters["epoch"],
                "iteration": found.counters["iteration"],
                "wall_time_s": before,
            }
        )
        folder.events()  # What it builds on must be readable; better known now than at the end.

    def keep(state: State) -> None:
        wall_time = before + time.monotonic() - began
        checkpoints.save({**state.counters, "wall_time_s": wall_time}, state.arrays)

    resume = State(found.counters, found.arrays) if found else None
    trained = train(spec, images, on_event, resume=resume, keep=keep, stop=stop)
    if trained.status == "interrupted":
        reason = "asked to stop; it goes on where it was"
        write_json(path / "result.json", summarize(folder.events(), trained.status, reason))
        return
    write_bytes(folder.weights, serialized(weight_arrays(trained.model)))
    write_json(path / "result.json", summarize(folder.events(), trained.status))
    checkpoints.clear()


def claim_stdout() -> TextIO:
    """Standard output for the events alone; what libraries print goes to standard error."""
    events = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return events


def _end_with_parent() -> None:
    """On Linux, have the kernel end this process when the one that started it ends."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))

"""The process of one run: ``python -m benchmark.execution.worker RUN_FOLDER``.

Reads the folder's spec, trains, and adds to the journal, which holds the attempt's ``start``
already; then writes weights and result. Each event is also a line of JSON on standard output; all
else that is printed goes to standard error.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO


def main(path: Path) -> None:
    """Train the run of a folder."""
    events = claim_stdout()
    _end_with_parent()
    train_folder(path, lambda event: print(json.dumps(event), file=events, flush=True))


def train_folder(path: Path, tell: Callable[[dict], None]) -> None:
    """Train the run of a folder, write its records, and ``tell`` each event."""
    from benchmark.data import cifar10
    from benchmark.records.files import write_json
    from benchmark.records.journal import Event, Journal
    from benchmark.records.provenance import provenance
    from benchmark.records.result import summarize
    from benchmark.records.store import RunFolder
    from benchmark.spec import RunSpec
    from benchmark.training import process
    from benchmark.training.loop import train
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
    trained = train(spec, images, on_event)
    _save_weights(folder.weights, weight_arrays(trained.model))
    write_json(path / "result.json", summarize(folder.events(), trained.status))


def _save_weights(path: Path, arrays: dict) -> None:
    from safetensors.numpy import save_file

    aside = path.with_name(f".{path.name}")
    save_file(arrays, aside)
    aside.replace(path)


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
    main(Path(sys.argv[1]))

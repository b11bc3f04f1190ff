"""The reference: records of what this project itself ran, and how a run compares with them.

They are a results folder of their own, which comes with the package; ``RESNET_BENCH_REFERENCE``
names another.
"""

import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.metrics import AP, ERROR
from benchmark.records.nesting import flattened
from benchmark.records.store import RunFolder, Store
from benchmark.shipped import shipped_reference
from benchmark.status import DONE

IDENTICAL, EQUAL = "bit-identical", "equal errors, other bits"
DIFFERENT = "different"

VARIABLE = "RESNET_BENCH_REFERENCE"

_BITS = ("initial_weights_sha256", "final_weights_sha256")
_ENDS = ("status", "epochs", "iterations")
_SCORES = (ERROR.result, "final_train_error_percent", "final_top5_error_percent", AP.result)
"""Of results. What diagnostics or other scored epochs add is not compared: the id does not tell
it."""


@dataclass(frozen=True)
class Compared:
    """A run beside the reference run of its id."""

    outcome: str
    by: float | None = None
    """Points of the final error, or average precision, ours less the reference's; None where
    either has none."""
    sd: float | None = None
    """Over the reference's seeds of the same spec, where there are two or more."""
    seeds: int = 1
    """Reference runs of the same spec, each with its own seed."""
    same_processor: bool = True

    def __str__(self) -> str:
        if self.outcome != DIFFERENT:
            return self.outcome
        if self.by is None:
            return f"{DIFFERENT}: one diverged, or was stopped"
        spread = f"; sd {self.sd:.2f} over {self.seeds} seeds" if self.sd is not None else ""
        return f"{DIFFERENT} by {self.by:+.2f} points{spread}"


def reference_folder() -> Path:
    """Where the reference is looked for."""
    stated = os.environ.get(VARIABLE)
    return Path(stated) if stated else shipped_reference()


def reference_for(store: Store) -> Store | None:
    """What the runs of ``store`` are compared with; None where there is none, or it is that."""
    folder = reference_folder()
    there = (folder / "runs").is_dir() and folder.resolve() != store.root.resolve()
    return Store(folder) if there else None


def compared_with(reference: Store | None, folder: RunFolder) -> Compared | None:
    """A run beside the reference of its id; None where it has not ended, or there is none."""
    if reference is None:
        return None
    other = reference.run(folder.run_id)
    theirs = other.result() if other.path.is_dir() else None
    ours = folder.result() if theirs else None
    if not (ours and theirs and ours["status"] in DONE and theirs["status"] in DONE):
        return None
    outcome = outcome_of(ours, theirs)
    errors = seeds_of(reference, other.spec() or {}) if outcome == DIFFERENT else []
    return Compared(
        outcome,
        by=difference(ours, theirs),
        sd=statistics.stdev(errors) if len(errors) > 1 else None,
        seeds=max(1, len(errors)),
        same_processor=same_processor(folder.provenance(), other.provenance(), ours, theirs),
    )


def outcome_of(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """How two results of one spec compare."""
    if not _agree(ours, theirs, (*_ENDS, *_SCORES)):
        return DIFFERENT
    bits = _agree(ours, theirs, _BITS) and ours.get(_BITS[1]) is not None
    return IDENTICAL if bits else EQUAL


def difference(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> float | None:
    """In points of the primary metric, ours less theirs."""
    for metric in (ERROR, AP):
        one, other = ours.get(metric.result), theirs.get(metric.result)
        if one is not None and other is not None:
            return one - other
    return None


def same_processor(
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    one: Mapping[str, Any],
    other: Mapping[str, Any],
) -> bool:
    """Whether two runs ran on the same class of processor, by their provenances and results."""
    return ours.get("processor") == theirs.get("processor") and one.get("device") == other.get(
        "device"
    )


def seeds_of(reference: Store, spec: Mapping[str, Any]) -> Sequence[float]:
    """The final errors, or average precisions, of the finished reference runs that differ from a
    spec in the seed alone."""
    asked, found = _without_seed(spec), []
    for folder in reference.runs():
        if _without_seed(folder.spec() or {}) == asked:
            result = folder.result() or {}
            values = [result.get(metric.result) for metric in (ERROR, AP)]
            found += [value for value in values if value is not None][:1]
    return found


def _agree(ours: Mapping[str, Any], theirs: Mapping[str, Any], names: Sequence[str]) -> bool:
    return all(ours.get(name) == theirs.get(name) for name in names)


_NO_OTHER_RUN = ("seed", "pretrained.name", "diagnostics", "evaluation")
"""What runs may differ in and still be seeds of one spec: a run begins from that with its seed."""


def _without_seed(spec: Mapping[str, Any]) -> dict[str, Any]:
    flat = flattened(dict(spec))
    return {
        name: value
        for name, value in flat.items()
        if not f"{name}.".startswith(tuple(f"{field}." for field in _NO_OTHER_RUN))
    }

"""The reference: records of this project's own runs, and how a user's run compares with them.

They are a results folder that ships with the package; ``RESNET_BENCH_REFERENCE`` names another.
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
"""Fields of results. What diagnostics or other scored epochs add is not compared: the id does not
cover it."""


@dataclass(frozen=True)
class Compared:
    """The comparison of a run with the reference run of the same id."""

    outcome: str
    by: float | None = None
    """Percentage points of final error, or average precision, ours minus the reference's; None if
    either has none."""
    sd: float | None = None
    """Standard deviation over the reference's seeds of the same spec, if there are two or more."""
    seeds: int = 1
    """Number of reference runs of the same spec, each with its own seed."""
    same_processor: bool = True

    def __str__(self) -> str:
        if self.outcome != DIFFERENT:
            return self.outcome
        if self.by is None:
            return f"{DIFFERENT}: one diverged, or was stopped"
        spread = f"; sd {self.sd:.2f} over {self.seeds} seeds" if self.sd is not None else ""
        return f"{DIFFERENT} by {self.by:+.2f} points{spread}"


def reference_folder() -> Path:
    """Return the folder of the reference."""
    stated = os.environ.get(VARIABLE)
    return Path(stated) if stated else shipped_reference()


def reference_for(store: Store) -> Store | None:
    """Return the reference to compare ``store`` with; None if there is none or it is ``store``."""
    folder = reference_folder()
    there = (folder / "runs").is_dir() and folder.resolve() != store.root.resolve()
    return Store(folder) if there else None


def compared_with(reference: Store | None, folder: RunFolder) -> Compared | None:
    """Compare a run with the reference of its id; None if either is missing or has not ended."""
    if reference is None:
        return None
    other = reference.run(folder.run_id)
    theirs = other.result()
    ours = folder.result() if theirs else None
    if not (ours and theirs and ours["status"] in DONE and theirs["status"] in DONE):
        return None
    outcome = outcome_of(ours, theirs)
    errors = _seeds_of(reference, other.spec() or {}) if outcome == DIFFERENT else []
    return Compared(
        outcome,
        by=_difference(ours, theirs),
        sd=statistics.stdev(errors) if len(errors) > 1 else None,
        seeds=max(1, len(errors)),
        same_processor=_agree(folder.provenance(), other.provenance(), ["processor"])
        and _agree(ours, theirs, ["device"]),
    )


def outcome_of(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """Return how two results of one spec compare."""
    if not _agree(ours, theirs, (*_ENDS, *_SCORES)):
        return DIFFERENT
    bits = _agree(ours, theirs, _BITS) and ours.get(_BITS[1]) is not None
    return IDENTICAL if bits else EQUAL


def _difference(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> float | None:
    """Return ours minus theirs, in percentage points."""
    one, other = _score(ours), _score(theirs)
    return None if one is None or other is None else one - other


def _seeds_of(reference: Store, spec: Mapping[str, Any]) -> list[float]:
    """Return the scores of the reference runs that have one and differ from a spec only in the
    seed."""
    asked = _without_seed(spec)
    alike = (each for each in reference.runs() if _without_seed(each.spec() or {}) == asked)
    scores = (_score(folder.result() or {}) for folder in alike)
    return [score for score in scores if score is not None]


def _score(result: Mapping[str, Any]) -> float | None:
    """Return a run's final error or average precision."""
    scores = (result.get(metric.result) for metric in (ERROR, AP))
    return next((score for score in scores if score is not None), None)


def _agree(ours: Mapping[str, Any], theirs: Mapping[str, Any], names: Sequence[str]) -> bool:
    return all(ours.get(name) == theirs.get(name) for name in names)


_NO_OTHER_RUN = ("seed", "pretrained.name", "diagnostics", "evaluation")
"""Fields in which seeds of one spec may differ: a run starts from the weights with its own seed."""


def _without_seed(spec: Mapping[str, Any]) -> dict[str, Any]:
    flat = flattened(dict(spec))
    return {
        name: value
        for name, value in flat.items()
        if not f"{name}.".startswith(tuple(f"{field}." for field in _NO_OTHER_RUN))
    }

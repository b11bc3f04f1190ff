"""What differs between two runs: their specs, where they ran, and what they measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from benchmark.events import Event, Kind
from benchmark.records.lacking import SPLITS, is_scored
from benchmark.records.nesting import flattened

_TIMINGS = ("time", "train_time_s", "evaluation_time_s", "images_per_s")
"""Fields that differ between any two runs."""


@dataclass(frozen=True)
class Difference:
    """A value that differs; None on a side that lacks it."""

    name: str
    one: Any
    other: Any

    def __str__(self) -> str:
        return f"{self.name}: {self.one} and {self.other}"


@dataclass(frozen=True)
class CurvesCompared:
    """How far the curves of two runs agree, bit for bit."""

    epochs: int
    """Number of shared epochs compared, up to and including the first that differs."""

    lengths: tuple[int, int]
    """Number of epochs in each run."""

    first: list[Difference]
    """The differences in the first epoch that differs; empty if none does."""

    same_weights: int
    """Number of shared epochs, from the first on, that agree but for the losses on scored images:
    processors may round those of the same weights differently."""


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[Difference]:
    """Return the differences between two nested mappings, by dotted name."""
    left, right = flattened(one), flattened(other)
    names = [*left, *(name for name in right if name not in left)]
    return [
        Difference(name, left.get(name), right.get(name))
        for name in names
        if left.get(name) != right.get(name)
    ]


def compare_curves(one: Sequence[Event], other: Sequence[Event]) -> CurvesCompared:
    """Compare the epochs of two journals, except for timings and for what only one of them
    measured: layers at an iteration, or the scores of a split.

    Each row holds the digest of the weights after its epoch, so equal rows mean equal weights.
    """
    first, second = _epochs(one), _epochs(other)
    lengths = (len(first), len(second))
    found = [
        differences(_as_measured(left, right), _as_measured(right, left))
        for left, right in zip(first, second, strict=False)
    ]
    same_weights = sum(1 for _ in takewhile(_only_scored_losses, found))
    for number, differing in enumerate(found, start=1):
        if differing:
            return CurvesCompared(number, lengths, differing, same_weights)
    return CurvesCompared(min(lengths), lengths, [], same_weights)


def _only_scored_losses(differing: Sequence[Difference]) -> bool:
    return {each.name for each in differing} <= {f"{split}_loss" for split in SPLITS}


def _as_measured(row: dict[str, Any], like: dict[str, Any]) -> dict[str, Any]:
    """Return an epoch's row without what ``like``, the other run's row, did not measure."""
    layers = {
        at: found for at, found in row.get("layers", {}).items() if at in like.get("layers", {})
    }
    unscored = tuple(f"{split}_" for split in SPLITS if not is_scored(like, split))
    kept = {name: value for name, value in row.items() if not name.startswith(unscored)}
    return kept | {"layers": layers}


def _epochs(events: Sequence[Event]) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in event.items() if name not in _TIMINGS}
        for event in events
        if event["event"] == Kind.EPOCH
    ]

"""Measurements that a suite asks for and an ended run lacks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.events import Event, Kind, of_kind
from benchmark.spec import RunSpec

SPLITS = ("test", "validation")
"""Splits that an epoch's row may have scores for."""


@dataclass(frozen=True)
class Lacking:
    """Missing measurements; false if there are none."""

    layers: tuple[int, ...] = ()
    """The iterations at which the layers were not measured."""
    scores: tuple[int, ...] = ()
    """The epochs after which a split was not scored."""

    def __bool__(self) -> bool:
        return bool(self.layers or self.scores)


def lacking(spec: RunSpec, events: Sequence[Event]) -> Lacking:
    """Return what ``spec`` asks for, as far as the run got, and its journal lacks."""
    rows = of_kind(events, Kind.EPOCH)
    if not rows:
        return Lacking()
    reached, end = rows[-1]["iteration"], spec.schedule.iterations
    measured = {int(at) for row in rows for at in row.get("layers", {})}
    every = spec.evaluation.every_epochs
    return Lacking(
        layers=tuple(
            at
            for at in spec.measured_at
            if at not in measured and (at < reached or at == reached == end)
        ),
        scores=tuple(
            row["epoch"]
            for row in rows
            if (row["epoch"] % every == 0 or row is rows[-1])
            and not all(is_scored(row, split) for split in spec.splits)
        ),
    )


def is_scored(row: Mapping[str, Any], split: str) -> bool:
    """Return whether an epoch's row has scores for a split."""
    return any(name.startswith(f"{split}_") for name in row)

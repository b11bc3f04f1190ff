"""Train a recorded run again, and check whether it gives the same bits."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.events import Event, Kind, first_of_kind
from benchmark.records.comparison import CurvesCompared, Difference, compare_curves, differences
from benchmark.records.store import RunFolder, Store
from benchmark.scheduling.local import ThisMachine
from benchmark.scheduling.runner import Listener, run_plan
from benchmark.spec import RunSpec
from benchmark.suite import Cell, Plan


@dataclass(frozen=True)
class Recorded:
    """A run, as recorded."""

    spec: RunSpec
    events: list[Event]
    provenance: dict[str, Any]


@dataclass(frozen=True)
class Replayed:
    """The result of the second training, compared with the first."""

    status: str
    reason: str
    expected: int
    """Number of epochs to compare."""
    curves: CurvesCompared
    environment: list[Difference]
    """The differences in versions, machine, device and flags, which could explain other bits."""

    @property
    def identical(self) -> bool:
        """Return whether every epoch to be trained again has the same bits."""
        return 0 < self.expected == self.curves.epochs and not self.curves.first

    @property
    def same_weights(self) -> bool:
        """Return whether these epochs are identical but for the losses on scored images, so that
        the weights are the same."""
        return 0 < self.expected == self.curves.same_weights


_NOT_COPIED = shutil.ignore_patterns("lock", "lease.*", "checkpoints")


@contextmanager
def scratch(source: RunFolder | None = None) -> Iterator[Store]:
    """Yield a store in a temporary folder, which holds no run, or a copy of the one whose weights
    others start from."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        if source:
            copy = store.run(source.run_id).path
            shutil.copytree(source.path, copy, ignore=_NOT_COPIED)
        yield store


def replay(
    recorded: Recorded, store: Store, listeners: list[Listener], epochs: int | None = None
) -> Replayed:
    """Train the run again in a fresh process and a store that does not hold it, up to ``epochs``
    epochs, and no further than a run was recorded that has not ended."""
    there = sum(event["event"] == Kind.EPOCH for event in recorded.events)
    expected = min(there, epochs or there)
    if not any(event["event"] == Kind.END for event in recorded.events):
        epochs = expected
    cell = Cell("replay", recorded.spec.seed, recorded.spec)
    outcome = run_plan(Plan("replay", (cell,)), store, listeners, ThisMachine(), epochs=epochs)
    folder = store.run(cell)
    events, provenance = folder.events(), folder.provenance()
    return Replayed(
        status=outcome.statuses[cell.run_id],
        reason=outcome.reasons[cell.run_id],
        expected=expected,
        curves=compare_curves(recorded.events, events),
        environment=differences(
            _around(recorded.events, recorded.provenance), _around(events, provenance)
        ),
    )


def _around(events: list[Event], provenance: dict[str, Any]) -> dict[str, Any]:
    """Return the provenance, with the device."""
    built = first_of_kind(events, Kind.BUILT)
    return provenance | {"device": built.get("device")}

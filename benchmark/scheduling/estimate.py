"""Estimates of how long runs take, from earlier runs on the same kind of machine."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmark.counts import counted
from benchmark.evaluation.views.protocols import of_name
from benchmark.models.families import cost
from benchmark.records.provenance import provenance
from benchmark.records.store import Store
from benchmark.scheduling.pending_tests import untested
from benchmark.scheduling.rates import Rates, numerics_of, timed_runs
from benchmark.spec.protocol import ProtocolName
from benchmark.suite import Cell
from benchmark.suite.suite import LoadedSuite


def tests(loaded: LoadedSuite, store: Store) -> Iterator[tuple[str, int, float]]:
    """Yield for each protocol that claims require: its name, the number of runs not yet tested by
    it, and the multiply-adds of these tests in 1e12, as if all images were square."""
    totals: dict[str, list[float]] = {}
    for cell, protocol in untested(loaded, store):
        totals.setdefault(protocol, []).append(_test_work(cell, protocol) / 1e12)
    for protocol, works in totals.items():
        yield protocol, len(works), sum(works)


def _test_work(cell: Cell, protocol: str) -> int:
    spec, data = cell.spec, cell.spec.dataset
    passes = of_name(ProtocolName.of(protocol), data.image_shape[0]).passes
    return data.test_images * sum(
        each.count * cost(spec.model, (each.side, each.side, 3), data.classes).multiply_adds
        for each in passes
    )


@dataclass(frozen=True)
class Estimate:
    """An estimate for training some runs, one after the other."""

    hours: float
    runs: int
    """Number of earlier runs that it is based on."""
    memory_mib: float
    """The most memory that any earlier run took on those machines."""
    machines: tuple[str, ...]
    """Those that the earlier runs were trained on: processor and cores."""


def kind(made: dict[str, Any]) -> tuple[Any, ...]:
    """Return the kind of a machine, from a run's provenance: its processor and number of cores, and
    the GPUs that it could train on, if any."""
    return made.get("processor"), made.get("cores"), sorted({*(made.get("gpus") or ())})


def estimate(cells: Iterable[Cell], store: Store, *, any_machine: bool = False) -> Estimate | None:
    """Estimate from the finished runs of a results folder that were trained on this kind of machine
    (or on ``any_machine``) with the same precision and threads; None if there are none for some of
    ``cells``."""
    here, earlier = provenance(), list(timed_runs(store))
    if not any_machine:
        earlier = [timed for timed in earlier if kind(timed.provenance) == kind(here)]
    known = Rates.of(earlier)
    seconds, asked = 0.0, set()
    for cell in cells:
        own = known.seconds(cell)
        if own is None:
            return None
        seconds += own
        asked.add(numerics_of(cell.spec))
    memory = max((timed.result.get("peak_memory_mib") or 0.0 for timed in earlier), default=0.0)
    machines = [
        f"{made.get('processor')}, {counted(made.get('cores') or 0, 'core')}"
        for numerics, _, _, made in earlier
        if numerics in asked
    ]
    return Estimate(seconds / 3600, len(machines), memory, tuple(sorted({*machines})))

"""Estimates of how long runs take, from earlier runs on the same kind of machine."""

import statistics
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from benchmark.counts import counted
from benchmark.detection.cost import detector_cost
from benchmark.evaluation.views.protocols import of_name
from benchmark.models.count import Cost
from benchmark.models.families import cost
from benchmark.records.problems import RecordsError
from benchmark.records.provenance import provenance
from benchmark.records.store import Store
from benchmark.scheduling.pending_tests import untested
from benchmark.spec import RunSpec
from benchmark.spec.protocol import ProtocolName
from benchmark.status import Status
from benchmark.suite import Cell
from benchmark.suite.suite import LoadedSuite

TRAINING = 3
"""Multiply-adds of a training step, as a multiple of its forward pass."""


def images(cell: Cell) -> int:
    """Return the number of images that a run trains on, counting repeats."""
    return cell.spec.optimizer.batch_size * cell.spec.schedule.iterations


def work(cell: Cell) -> int:
    """Return the forward multiply-adds of a run's training, from which its time is estimated."""
    return _cost(cell.spec).multiply_adds * images(cell)


def _cost(spec: RunSpec) -> Cost:
    shape, classes = spec.dataset.image_shape, spec.dataset.classes
    if spec.detector:
        return detector_cost(spec.model, spec.detector, shape, classes)
    return cost(spec.model, shape, classes, spec.head_classes)


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


class Timed(NamedTuple):
    """A finished run that was timed."""

    numerics: tuple[str, int]
    """Precision and threads."""
    rate: float
    """Forward multiply-adds per second."""
    result: dict[str, Any]
    provenance: dict[str, Any]


def timed_runs(store: Store) -> Iterator[Timed]:
    """Yield the finished runs of a results folder, apart from those without training, and those
    whose records cannot be read."""
    for folder in store.runs():
        with suppress(OSError, RecordsError, KeyError):
            result, spec = folder.result() or {}, folder.spec() or {}
            if result.get("status") == Status.FINISHED and result.get("train_time_s"):
                batch, numerics = spec["optimizer"]["batch_size"], spec["numerics"]
                rate = result["multiply_adds"] * result["iterations"] * batch
                rate /= result["train_time_s"]
                key = numerics["precision"], numerics["threads"]
                yield Timed(key, rate, result, folder.provenance())


def kind(made: dict[str, Any]) -> tuple[Any, ...]:
    """Return the kind of a machine, from a run's provenance: its processor and number of cores, and
    the GPUs that it could train on, if any."""
    return made.get("processor"), made.get("cores"), sorted({*(made.get("gpus") or ())})


def estimate(cells: Iterable[Cell], store: Store, *, any_machine: bool = False) -> Estimate | None:
    """Estimate from the finished runs of a results folder that were trained on this kind of machine
    (or on ``any_machine``) with the same precision and threads; None if there are none for some of
    ``cells``."""
    # Precision and threads -> each run's multiply-adds a second, and its machine.
    earlier: dict[tuple[str, int], list[tuple[float, str]]] = {}
    memory, here = 0.0, provenance()
    for key, rate, result, made in timed_runs(store):
        if not (any_machine or kind(made) == kind(here)):
            continue
        machine = f"{made.get('processor')}, {counted(made.get('cores') or 0, 'core')}"
        earlier.setdefault(key, []).append((rate, machine))
        memory = max(memory, result.get("peak_memory_mib") or 0.0)
    asked: dict[tuple[str, int], int] = {}
    for cell in cells:
        key = (cell.spec.numerics.precision, cell.spec.numerics.threads)
        asked[key] = asked.get(key, 0) + work(cell)
    if not asked.keys() <= earlier.keys():
        return None
    seconds = sum(
        amount / statistics.median(rate for rate, _ in earlier[key])
        for key, amount in asked.items()
    )
    machines = [machine for key in asked for _, machine in earlier[key]]
    return Estimate(seconds / 3600, len(machines), memory, tuple(sorted({*machines})))

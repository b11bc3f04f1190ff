"""Rates at which earlier runs trained, and what runs take by them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from benchmark.detection.cost import detector_cost
from benchmark.models.count import Cost
from benchmark.models.families import cost
from benchmark.records.problems import RecordsError
from benchmark.records.store import Store
from benchmark.spec import RunSpec
from benchmark.status import Status
from benchmark.suite import Cell

Numerics = tuple[str, int]
"""Precision and threads."""

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


class Timed(NamedTuple):
    """A finished run that was timed."""

    numerics: Numerics
    work: float
    """Forward multiply-adds."""
    result: dict[str, Any]
    provenance: dict[str, Any]

    @property
    def rate(self) -> float:
        """Forward multiply-adds per second."""
        return self.work / float(self.result["train_time_s"])


def timed_runs(store: Store) -> Iterator[Timed]:
    """Yield the finished runs of a results folder, apart from those without training, and those
    whose records cannot be read."""
    for folder in store.runs():
        with suppress(OSError, RecordsError, KeyError):
            result, spec = folder.result() or {}, folder.spec() or {}
            if result.get("status") == Status.FINISHED and result.get("train_time_s"):
                trained = result["iterations"] * spec["optimizer"]["batch_size"]
                numerics = spec["numerics"]["precision"], spec["numerics"]["threads"]
                work = result["multiply_adds"] * trained
                yield Timed(numerics, work, result, folder.provenance())


@dataclass
class _Total:
    work: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class Rates:
    """Forward multiply-adds per second of earlier runs, all taken together."""

    overall: Mapping[Numerics, float]
    """Of all nets. It says little of a net that was not among them."""
    of_net: Mapping[tuple[Numerics, int], float]
    """Of nets with the same number of multiply-adds per image."""

    @classmethod
    def of(cls, earlier: Iterable[Timed]) -> "Rates":
        """Return the rates of some runs."""
        overall: dict[Numerics, _Total] = defaultdict(_Total)
        of_net: dict[tuple[Numerics, int], _Total] = defaultdict(_Total)
        for timed in earlier:
            net = timed.numerics, timed.result["multiply_adds"]
            for total in (overall[timed.numerics], of_net[net]):
                total.work += timed.work
                total.seconds += timed.result["train_time_s"]
        return cls(
            {key: total.work / total.seconds for key, total in overall.items()},
            {key: total.work / total.seconds for key, total in of_net.items()},
        )

    def seconds(self, cell: Cell) -> float | None:
        """Return how long a run takes to train, by the rate of its net if there is one, or of all
        nets; None if no earlier run has its precision and threads."""
        numerics, per_image = numerics_of(cell.spec), _cost(cell.spec).multiply_adds
        rate = self.of_net.get((numerics, per_image), self.overall.get(numerics))
        return per_image * images(cell) / rate if rate else None


def numerics_of(spec: RunSpec) -> Numerics:
    """Return a run's precision and threads."""
    return spec.numerics.precision, spec.numerics.threads

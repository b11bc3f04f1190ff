"""A paper, as data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from benchmark.paper.departures import Departure, Protocol
from benchmark.paper.published import Published, Shown
from benchmark.paper.reproductions import Reproduced
from benchmark.paper.rows import rows_of


@dataclass(frozen=True)
class Paper:
    """One paper. Its numbers are in the CSV files of its folder: ``published.csv`` and, where it
    has them, ``figures.csv`` and ``reproductions.csv``."""

    name: str
    """``deep-residual-learning``; of its folder, with underscores."""
    title: str
    authors: str
    arxiv: str
    families: tuple[str, ...]
    """Of the nets that are held to it."""
    protocols: Mapping[str, Protocol]
    """Data set -> how the paper trained on it; no other data set is in the paper."""
    rows: Callable[[Mapping[str, Any]], tuple[str, ...]]
    """A spec as plain data -> what the keys of its published numbers may be, the first that there
    is; without the metric."""
    untrained: tuple[str, ...] = ()
    """Families of which the paper tells no training."""

    @cached_property
    def published(self) -> dict[str, Published]:
        """Key -> number."""
        return {number.key: number for number in rows_of(Published, self.name, "published.csv")}

    @cached_property
    def shown(self) -> tuple[Shown, ...]:
        """What its figures show."""
        return rows_of(Shown, self.name, "figures.csv")

    @cached_property
    def reproductions(self) -> tuple[Reproduced, ...]:
        """What others reported, apart from what the paper did."""
        return rows_of(Reproduced, self.name, "reproductions.csv")

    def protocol(self, spec: Mapping[str, Any]) -> Protocol | None:
        """That a run is held to; None where the paper says nothing of the data set."""
        return self.protocols.get(spec["dataset"]["name"])

    def departures(self, spec: Mapping[str, Any]) -> list[Departure]:
        """Where a run departs from the protocol for its data set."""
        protocol = self.protocol(spec)
        unsaid = ("model.",) if spec["model"].get("family") in self.untrained else ()
        return protocol.departures(spec, unsaid) if protocol else []

    def published_for(self, spec: Mapping[str, Any]) -> Published | None:
        """The error, or average precision, of a run that does not depart from its protocol; None
        where the paper prints none."""
        found = (self.published.get(key) for key in self.rows(spec))
        return next(filter(None, found), None)

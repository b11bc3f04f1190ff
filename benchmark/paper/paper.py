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
    """A paper. Its numbers are in the CSV files of its folder: ``published.csv`` and optionally
    ``figures.csv`` and ``reproductions.csv``."""

    name: str
    """``deep-residual-learning``; its folder's name, with hyphens for underscores."""
    title: str
    authors: str
    arxiv: str
    families: tuple[str, ...]
    """Families of the nets that are compared with it."""
    protocols: Mapping[str, Protocol]
    """Data set -> how the paper trained on it; the paper covers no other data sets."""
    rows: Callable[[Mapping[str, Any]], tuple[str, ...]]
    """A spec as plain data -> candidate keys of its published number; the first that exists is
    used."""
    untrained: tuple[str, ...] = ()
    """Families whose training the paper does not describe."""

    @cached_property
    def published(self) -> dict[str, Published]:
        """Key -> number."""
        return {number.key: number for number in rows_of(Published, self.name, "published.csv")}

    @cached_property
    def shown(self) -> tuple[Shown, ...]:
        """What the paper's figures show."""
        return rows_of(Shown, self.name, "figures.csv")

    @cached_property
    def reproductions(self) -> tuple[Reproduced, ...]:
        """Numbers that others reported, separate from the paper's own."""
        return rows_of(Reproduced, self.name, "reproductions.csv")

    def protocol(self, spec: Mapping[str, Any]) -> Protocol | None:
        """Return the protocol for a run; None if the paper does not cover the data set."""
        return self.protocols.get(spec["dataset"]["name"])

    def departures(self, spec: Mapping[str, Any]) -> list[Departure]:
        """Return a run's departures from the protocol for its data set."""
        protocol = self.protocol(spec)
        unsaid = ("model.",) if spec["model"].get("family") in self.untrained else ()
        return protocol.departures(spec, unsaid) if protocol else []

    def published_for(self, spec: Mapping[str, Any]) -> Published | None:
        """Return the published error, or average precision, for a run that does not depart from its
        protocol; None if the paper prints none."""
        found = (self.published.get(key) for key in self.rows(spec))
        return next(filter(None, found), None)

"""The fields of a suite file."""

from typing import Annotated, Any

from pydantic import Field

from benchmark.spec.base import Spec
from benchmark.suite.claims import AnyClaim
from benchmark.suite.looks import Looks, Seeds
from benchmark.suite.names import Name, SuiteName
from benchmark.suite.overrides import Overrides


class Variant(Spec, extra="allow"):
    """A name, and dotted spec fields with the values that distinguish it."""

    name: Name

    @property
    def overrides(self) -> Overrides:
        """Dotted spec field -> value."""
        return self.model_extra or {}


class Vary(Spec):
    """What varies between the runs: each variant at each point of the grid."""

    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}
    """Dotted spec field -> the values it takes."""

    variants: Annotated[tuple[Variant, ...], Field(strict=False, min_length=1)] | None = None
    """An explicit list."""


class Suite(Spec):
    """A suite file's fields."""

    name: SuiteName
    """Also names the folder of its records, so it must be unique; without ``+``, which is used in
    the names of suites changed by ``--set``."""

    extends: str | None = None
    """Another suite: its path, relative to this file, or its name in the package. This file
    inherits what it does not state.

    ``base`` is merged: a field that this file states, nested or dotted (``model.depth: 32``), wins,
    and the fields around it stay. A list is one value, and so is a mapping with ``_delete_: true``
    in it, which inherits nothing: ``schedule: {_delete_: true, kind: plateau}``. Everything else
    that this file states replaces the other's entirely: ``source``, ``vary``, ``seeds``,
    ``claims``. ``name`` is never inherited. Files may extend each other in a chain, and an error
    names the file and line that the value comes from.
    """

    source: str = Field(min_length=1)
    """The table, figure or section of the paper, or what the suite adds to it."""

    base: dict[str, Any]
    """The spec's fields that all runs share, nested or dotted."""

    vary: Vary = Vary()
    seeds: Seeds
    """A list, or ``{looks: [2, 3, 5], level: 0.05}``, to train no more seeds than needed."""
    claims: tuple[AnyClaim, ...] = Field(default=(), strict=False)

    @property
    def looks(self) -> Looks | None:
        """When claims are judged before all seeds have finished; None if they are not."""
        return self.seeds if isinstance(self.seeds, Looks) else None

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The listed seeds, or those of the last look."""
        return self.seeds.seeds if isinstance(self.seeds, Looks) else self.seeds

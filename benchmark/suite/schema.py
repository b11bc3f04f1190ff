"""The fields of a suite file."""

from typing import Annotated, Any

from pydantic import Field

from benchmark.spec.base import Spec
from benchmark.suite.claims import AnyClaim
from benchmark.suite.looks import Looks, Seeds
from benchmark.suite.names import Name, SuiteName
from benchmark.suite.overrides import Overrides


class Variant(Spec, extra="allow"):
    """A name, and dotted spec fields with the values that set it apart."""

    name: Name

    @property
    def overrides(self) -> Overrides:
        """Dotted spec field -> value."""
        return self.model_extra or {}


class Vary(Spec):
    """What sets the runs apart: each variant at each point of the grid."""

    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}
    """Dotted spec field -> the values it takes."""

    variants: Annotated[tuple[Variant, ...], Field(strict=False, min_length=1)] | None = None
    """An explicit list."""


class Suite(Spec):
    """A suite file's fields."""

    name: SuiteName
    """Of the folder of its records, so each file has another; without ``+``, which stands in the
    names of suites that ``--set`` changes."""

    extends: str | None = None
    """Another suite file, by its path from this one. What this file does not state is as there.

    ``base`` is merged: a field that this file states, nested or dotted (``model.depth: 32``), wins,
    and the fields around it stay. A list is one value, and so is a mapping with ``_delete_: true``
    in it, which takes nothing over: ``schedule: {_delete_: true, kind: plateau}``. All else that
    this file states replaces the other's whole: ``source``, ``vary``, ``seeds``, ``claims``.
    ``name`` is always its own. Files may extend each other in a chain, and an error names the
    file and line that the value is from.
    """

    source: str = Field(min_length=1)
    """The table, figure or section of the paper, or what the suite adds to it."""

    base: dict[str, Any]
    """The spec's fields that all runs share, nested or dotted."""

    vary: Vary = Vary()
    seeds: Seeds
    """A list, or ``{looks: [2, 3, 5], level: 0.05}``, to train no more seeds than it takes."""
    claims: tuple[AnyClaim, ...] = Field(default=(), strict=False)

    @property
    def looks(self) -> Looks | None:
        """When claims are looked at before all seeds have ended; None where they are not."""
        return self.seeds if isinstance(self.seeds, Looks) else None

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The listed ones, or those of the last look."""
        return self.seeds.seeds if isinstance(self.seeds, Looks) else self.seeds

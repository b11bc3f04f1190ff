"""``seeds``: a list, or looks at a growing number of them."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Field, model_validator

from benchmark.spec.base import Ints, Spec, refuse, tag
from benchmark.statistics.finding import ALPHA

_MAX_SEEDS = 1000


class Looks(Spec):
    """A group-sequential design. Claims are judged after the first seeds of each variant, and then
    after more; what a look decides is final, and variants without an undecided claim are dropped
    from then on. The level is spent as ``statistics.sequential`` describes."""

    looks: Ints = Field(min_length=2, max_length=20)
    """Number of seeds of each variant at each look, increasing: ``[2, 3, 5]`` means seeds 0 and 1,
    then 2, then 3 and 4."""

    level: float = Field(default=ALPHA, gt=0, le=0.2)
    """The probability of a wrong verdict, over all looks and all claims of the suite that ask the
    same question."""

    @model_validator(mode="after")
    def _rise(self) -> "Looks":
        if list(self.looks) != sorted(set(self.looks)) or self.looks[0] < 2:
            raise refuse("looks", "must rise, from 2 on", list(self.looks))
        if self.looks[-1] > _MAX_SEEDS:
            raise refuse("looks", f"must end at {_MAX_SEEDS} seeds at most", self.looks[-1])
        return self

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of all looks."""
        return tuple(range(self.looks[-1]))


def _kind(seeds: Any) -> str:
    return "<looks>" if isinstance(seeds, Mapping | Looks) else "<list>"


Seeds = Annotated[
    Annotated[Annotated[Ints, Field(min_length=1)], tag("list")] | Annotated[Looks, tag("looks")],
    Discriminator(_kind),
]
"""The type for a suite file's field."""

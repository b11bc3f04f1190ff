"""The field ``seeds``: a list, or looks at increasing numbers of seeds."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Field, model_validator

from benchmark.spec.base import Ints, Spec, refuse, tag
from benchmark.statistics.finding import ALPHA

_MAX_SEEDS = 1000


class Looks(Spec):
    """A group-sequential design. Claims are judged after the first seeds of each variant, and again
    after more; a look's decision is final, and variants without undecided claims are no longer
    trained. See ``statistics.sequential`` for how the level is spent."""

    looks: Ints = Field(min_length=2, max_length=20)
    """Seeds of each variant at each look, increasing: ``[2, 3, 5]`` is seeds 0 and 1, then 2, then
    3 and 4."""

    level: float = Field(default=ALPHA, gt=0, le=0.2)
    """The probability of a wrong verdict, over all looks and all claims of the suite that ask the
    same question."""

    @model_validator(mode="after")
    def _rise(self) -> "Looks":
        if list(self.looks) != sorted(set(self.looks)) or self.looks[0] < 2:
            raise refuse("looks", "must rise, starting at 2 or more", list(self.looks))
        if self.looks[-1] > _MAX_SEEDS:
            raise refuse("looks", f"must end at {_MAX_SEEDS} seeds at most", self.looks[-1])
        return self

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds."""
        return tuple(range(self.looks[-1]))


def _kind(seeds: Any) -> str:
    return "<looks>" if isinstance(seeds, Mapping | Looks) else "<list>"


Seeds = Annotated[
    Annotated[Annotated[Ints, Field(min_length=1)], tag("list")] | Annotated[Looks, tag("looks")],
    Discriminator(_kind),
]
"""The field of a suite file."""

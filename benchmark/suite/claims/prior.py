"""``moderated``: what is held of the runs' standard deviation before any has ended."""

from typing import TYPE_CHECKING

from pydantic import Field

from benchmark.spec.base import Spec

if TYPE_CHECKING:
    from benchmark.statistics.sequential import Prior


class PriorSpec(Spec):
    """Stated in full, so that whoever reads the claim knows what it rests on. Others saw 0.13 to
    0.27 points of test error on CIFAR-10: ``{sd: 0.2, df: 6}``. Where runs differ by twice ``sd``,
    a level of 5 % is one of 9 % with one look at five runs, of 13 % with looks at 2, 3 and 5."""

    sd: float = Field(gt=0, le=100)
    """The standard deviation, in the metric's unit."""

    df: float = Field(gt=0, le=1000)
    """As how many runs more than seen it counts."""

    @property
    def prior(self) -> "Prior":
        """For the test."""
        from benchmark.statistics.sequential import Prior

        return Prior(self.sd, self.df)

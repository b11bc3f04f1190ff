"""``moderated``: the prior on the runs' standard deviation."""

from pydantic import Field

from benchmark.spec.base import Spec
from benchmark.statistics.sequential import Prior


class PriorSpec(Spec):
    """A prior, stated in full so that readers of the claim know what it rests on. Others saw 0.13
    to 0.27 points of test error on CIFAR-10, and 0.54 at best epochs: ``{sd: 0.2, df: 6}``. If runs
    differ by twice ``sd``, a level of 5 % becomes 9 % with one look at five runs, and 13 % with
    looks at 2, 3 and 5; if by 0.54, 16 %."""

    sd: float = Field(gt=0, le=100)
    """The standard deviation, in the metric's unit."""

    df: float = Field(gt=0, le=1000)
    """Weight of the prior, as a number of additional runs."""

    @property
    def prior(self) -> Prior:
        """The prior in the form that the test takes."""
        return Prior(self.sd, self.df)

"""``bound``: a variant's mean is below or above a stated bound."""

import math
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from benchmark.statistics import student
from benchmark.statistics.finding import Finding
from benchmark.statistics.sequential import Both
from benchmark.suite.claims.base import Values
from benchmark.suite.claims.iterations import ClaimAtIterations
from benchmark.suite.claims.outcomes import INCONCLUSIVE
from benchmark.suite.claims.sample import Setting


class BoundClaim(ClaimAtIterations):
    """A claim for runs whose values scatter around one mean. If they end in one of two modes, as
    deep plain nets do, claim a share of the runs: see ``share``."""

    question: ClassVar[str] = "beyond a bound"

    variant: str
    """The variant that the claim is about."""

    bound: float = Field(gt=0)
    """The bound, in the metric's unit."""

    direction: Literal["lower", "higher"]
    """Whether the mean is lower or higher than ``bound``."""

    @property
    def variants(self) -> tuple[str, ...]:
        """The one variant."""
        return (self.variant,)

    def tested(self, values: Values, setting: Setting) -> Finding:
        """A one-sided t test."""
        higher = self.direction == "higher"
        return student.finding_beyond(values[0], self.bound, higher, self.margin, setting.level)

    def p_values(self, values: Values) -> Both:
        """Return the p values of the same test."""
        (ours,) = values
        n = ours.shape[-1]
        se = ours.std(-1, ddof=1) / math.sqrt(n)
        higher = self.direction == "higher"
        return student.beyond(ours.mean(-1), se, n - 1, self.bound, higher)

    def chance(self, seeds: int, sd: float, setting: Setting) -> float:
        """Return the probability for a mean ``margin`` beyond the bound."""
        se = sd / math.sqrt(seeds)
        return float(student.power_beyond(se, seeds - 1, self.margin, setting.level))

    def drawn(self, rng: np.random.Generator, suites: int, seeds: int, sd: float) -> Values:
        """Simulate a mean ``margin`` beyond the bound."""
        side = 1 if self.direction == "higher" else -1
        return [rng.normal(self.bound + side * self.margin, sd, (suites, seeds))]

    def sentence(self, finding: Finding, outcome: str) -> str:
        """Return a sentence on the mean and its interval."""
        low, high = finding.interval
        where = "on both sides of"
        if outcome != INCONCLUSIVE:
            where = "above" if low > self.bound else "below"
        interval = f"its {finding.percent} interval, {low:.2f} to {high:.2f}, lies {where}"
        return f"The mean{self.when} is {finding.effect:.2f}; {interval} {self.bound:g}."

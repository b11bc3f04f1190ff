"""How many of a variant's runs have a property: the base of claims of a share of the runs."""

from typing import ClassVar

import numpy as np

from benchmark.statistics import sequential, shares
from benchmark.statistics.finding import Finding
from benchmark.statistics.sequential import Both, Bounds
from benchmark.suite.claims.base import Claim, Values
from benchmark.suite.claims.sample import Setting


class CountedClaim(Claim):
    """More, or fewer, than a stated share of the runs have a property."""

    question: ClassVar[str] = "how many runs"

    variant: str
    """The variant that the claim is about."""

    @property
    def variants(self) -> tuple[str, ...]:
        """The one variant."""
        return (self.variant,)

    @property
    def threshold(self) -> tuple[float, bool]:
        """The stated share, from 0 to 1, and whether more of the runs have the property, or
        fewer."""
        raise NotImplementedError

    def having(self, values: np.ndarray) -> np.ndarray:
        """Return which runs have the property."""
        raise NotImplementedError

    @property
    def true(self) -> float:
        """The share assumed for the power: nine tenths of the way from the stated one to the end of
        the scale."""
        share, more = self.threshold
        return 1 - 0.1 * (1 - share) if more else 0.1 * share

    def tested(self, values: Values, setting: Setting) -> Finding:
        """An exact binomial test."""
        having = self.having(values[0])
        count, n = int(having.sum()), len(having)
        return shares.finding(count, n, *self.threshold, self.true, setting.level)

    def p_values(self, values: Values) -> Both:
        """Return the p values of the same test."""
        having = self.having(values[0])
        return shares.p_values(having.sum(-1), having.shape[-1], *self.threshold)

    def chance(self, seeds: int, sd: float, setting: Setting) -> float:
        """Return the probability, which does not depend on ``sd``."""
        return shares.power(seeds, *self.threshold, self.true, setting.level)

    def bounds(self, looks: tuple[int, ...], setting: Setting) -> Bounds:
        """Return bounds that account for the dependence between looks; at several iterations, what
        the looks spend is added up."""
        if len(self.columns) > 1:
            return super().bounds(looks, setting)
        share, more = self.threshold
        return sequential.share_bounds(looks, setting.level, share, more=more)

    def counted(self, finding: Finding, what: str) -> str:
        """Return a sentence on how many of the runs have the property; ``what``: in words."""
        low, high = (100 * end for end in finding.interval)
        (n,) = finding.n
        share = f"{finding.percent} interval of the share: {low:.0f} to {high:.0f} %"
        return f"{round(finding.effect * n)} of {n} runs {what} ({share})."

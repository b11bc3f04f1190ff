"""``bound`` with ``share_percent``: more than a share of a variant's runs end beyond a bound."""

from typing import Literal

import numpy as np
from pydantic import Field

from benchmark.statistics.finding import Finding
from benchmark.suite.claims.base import Values
from benchmark.suite.claims.counted import CountedClaim
from benchmark.suite.claims.iterations import ClaimAtIterations


class ShareClaim(CountedClaim, ClaimAtIterations):
    """A claim for runs that end in one of two modes, whose mean says nothing: runs are counted."""

    bound: float = Field(gt=0)
    """The bound, in the metric's unit."""

    direction: Literal["lower", "higher"]
    """Whether these runs are lower or higher than ``bound``."""

    share_percent: float = Field(gt=0, lt=100)
    """The claim: more than this share of the runs are beyond the bound."""

    @property
    def threshold(self) -> tuple[float, bool]:
        """The stated share; more of the runs than that are beyond the bound."""
        return self.share_percent / 100, True

    def having(self, values: np.ndarray) -> np.ndarray:
        """Return which runs are beyond the bound."""
        return values > self.bound if self.direction == "higher" else values < self.bound

    def drawn(self, rng: np.random.Generator, suites: int, seeds: int, sd: float) -> Values:
        """Simulate runs on either side of the bound; their distance from it does not matter."""
        side = 1.0 if self.direction == "higher" else -1.0
        beyond = rng.random((suites, seeds)) < self.true
        return [self.bound + side * (2.0 * beyond - 1.0)]

    def sentence(self, finding: Finding, outcome: str) -> str:
        """Return a sentence on how many of the runs are beyond the bound."""
        side = "above" if self.direction == "higher" else "below"
        where = f"are{self.when}" if self.at else "end"
        return self.counted(finding, f"{where} {side} {self.bound:g}")

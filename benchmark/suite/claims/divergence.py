"""``diverge_percent``: how often a variant's runs diverge."""

from typing import Literal

import numpy as np
from pydantic import Field

from benchmark.statistics.finding import Finding
from benchmark.suite.claims.base import Values
from benchmark.suite.claims.counted import CountedClaim


class DivergenceClaim(CountedClaim):
    """Fewer, or more, than a stated share of the runs diverge. A run that failed for another reason
    may or may not have diverged."""

    diverge_percent: float = Field(gt=0, lt=100)
    """The share, in percent of the runs."""

    direction: Literal["lower", "higher"]
    """Whether the share of runs that diverge is lower or higher than that."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The column that ``report.verdicts`` derives from the status: 1 if a run diverged, else
        0."""
        return ("diverged",)

    @property
    def ends(self) -> tuple[float, float]:
        """A run did not diverge, or it did."""
        return 0.0, 1.0

    @property
    def threshold(self) -> tuple[float, bool]:
        """The stated share, and whether more of the runs than that diverge, or fewer."""
        return self.diverge_percent / 100, self.direction == "higher"

    def having(self, values: np.ndarray) -> np.ndarray:
        """Return which runs diverged."""
        return values == 1

    def drawn(self, rng: np.random.Generator, suites: int, seeds: int, sd: float) -> Values:
        """Simulate runs: 1 if a run diverged."""
        return [(rng.random((suites, seeds)) < self.true).astype(float)]

    def sentence(self, finding: Finding, outcome: str) -> str:
        """Return a sentence on how many of the runs diverged."""
        return self.counted(finding, "diverged")

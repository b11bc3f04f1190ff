"""``diverge_percent``: how often a variant's runs diverge."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from benchmark.suite.claims.base import Claim
from benchmark.suite.claims.sample import Setting

if TYPE_CHECKING:
    import numpy as np

    from benchmark.statistics.finding import Finding
    from benchmark.statistics.sequential import Bounds


class DivergenceClaim(Claim):
    """Fewer, or more, than a stated share of the runs diverge. A run that failed for another reason
    may or may not have diverged."""

    question: ClassVar[str] = "how many runs"

    variant: str
    """The variant that the claim is about."""

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
    def variants(self) -> tuple[str, ...]:
        """The one variant."""
        return (self.variant,)

    def tested(self, values: Sequence["np.ndarray"], setting: Setting) -> "Finding":
        """An exact binomial test."""
        from benchmark.statistics import shares

        (ours,) = values
        more, share = self._stated
        return shares.finding(int(ours.sum()), len(ours), share, more, self._true, setting.level)

    def p_values(
        self, values: Sequence["np.ndarray"], paired: Sequence[bool] = ()
    ) -> tuple["np.ndarray", "np.ndarray"]:
        """Return the p values of the same test."""
        from benchmark.statistics import shares

        (ours,) = values
        more, share = self._stated
        return shares.p_values(ours.sum(-1).astype(int), ours.shape[-1], share, more)

    @property
    def _stated(self) -> tuple[bool, float]:
        return self.direction == "higher", self.diverge_percent / 100

    @property
    def _true(self) -> float:
        """The share assumed for the power: a tenth of the way from the end of the scale."""
        more, share = self._stated
        return 1 - 0.1 * (1 - share) if more else 0.1 * share

    def chance(self, seeds: int, sd: float, setting: Setting) -> float:
        """Return the probability, which does not depend on ``sd``."""
        from benchmark.statistics import shares

        more, share = self._stated
        return shares.power(seeds, share, more, self._true, setting.level)

    def drawn(
        self, rng: "np.random.Generator", suites: int, seeds: int, sd: float
    ) -> "list[np.ndarray]":
        """Simulate runs: 1 if a run diverged."""
        return [(rng.random((suites, seeds)) < self._true).astype(float)]

    def bounds(self, looks: tuple[int, ...], setting: Setting) -> "Bounds":
        """Return bounds that account for the dependence between looks."""
        from benchmark.statistics.sequential import share_bounds

        more, share = self._stated
        return share_bounds(looks, setting.level, share, more=more)

    def sentence(self, finding: "Finding", outcome: str) -> str:
        """Return a sentence on how many of the runs diverged."""
        low, high = (100 * end for end in finding.interval)
        (n,) = finding.n
        share = f"{finding.percent} interval of the share: {low:.0f} to {high:.0f} %"
        return f"{round(finding.effect * n)} of {n} runs diverged ({share})."

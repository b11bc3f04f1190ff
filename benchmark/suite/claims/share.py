"""``bound`` with ``share_percent``: more than a share of a variant's runs end beyond a bound."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from benchmark.suite.claims.iterations import ClaimAtIterations
from benchmark.suite.claims.sample import Setting

if TYPE_CHECKING:
    import numpy as np

    from benchmark.statistics.finding import Finding
    from benchmark.statistics.sequential import Bounds


class ShareClaim(ClaimAtIterations):
    """A claim for runs that end in one of two modes, whose mean says nothing: runs are counted."""

    question: ClassVar[str] = "how many runs"

    variant: str
    """The variant that the claim is about."""

    bound: float = Field(gt=0)
    """The bound, in the metric's unit."""

    direction: Literal["lower", "higher"]
    """Whether these runs are lower or higher than ``bound``."""

    share_percent: float = Field(gt=0, lt=100)
    """The claim: more than this share of the runs are beyond the bound."""

    @property
    def variants(self) -> tuple[str, ...]:
        """The one variant."""
        return (self.variant,)

    def tested(self, values: Sequence["np.ndarray"], setting: Setting) -> "Finding":
        """An exact binomial test."""
        from benchmark.statistics import shares

        (ours,) = values
        count = int(self._beyond(ours).sum())
        share = self.share_percent / 100
        return shares.finding(count, len(ours), share, True, self._true, setting.level)

    def p_values(
        self, values: Sequence["np.ndarray"], paired: Sequence[bool] = ()
    ) -> tuple["np.ndarray", "np.ndarray"]:
        """Return the p values of the same test."""
        from benchmark.statistics import shares

        (ours,) = values
        counts = self._beyond(ours).sum(-1)
        return shares.p_values(counts, ours.shape[-1], self.share_percent / 100, more=True)

    def _beyond(self, values: "np.ndarray") -> "np.ndarray":
        return values > self.bound if self.direction == "higher" else values < self.bound

    @property
    def _true(self) -> float:
        """The share assumed for the power: nine tenths of the way from the claimed one to 1."""
        return 1 - 0.1 * (1 - self.share_percent / 100)

    def chance(self, seeds: int, sd: float, setting: Setting) -> float:
        """Return the probability, which does not depend on ``sd``."""
        from benchmark.statistics import shares

        return shares.power(seeds, self.share_percent / 100, True, self._true, setting.level)

    def drawn(
        self, rng: "np.random.Generator", suites: int, seeds: int, sd: float
    ) -> "list[np.ndarray]":
        """Simulate runs on either side of the bound; their distance from it does not matter."""
        side = 1.0 if self.direction == "higher" else -1.0
        beyond = rng.random((suites, seeds)) < self._true
        return [self.bound + side * (2.0 * beyond - 1.0)]

    def bounds(self, looks: tuple[int, ...], setting: Setting) -> "Bounds":
        """Return bounds that account for the dependence between looks; at several iterations, what
        the looks spend is added up."""
        from benchmark.statistics.sequential import share_bounds

        if len(self.columns) > 1:
            return super().bounds(looks, setting)
        return share_bounds(looks, setting.level, self.share_percent / 100, more=True)

    def sentence(self, finding: "Finding", outcome: str) -> str:
        """Return a sentence on how many of the runs are beyond the bound."""
        low, high = (100 * end for end in finding.interval)
        (n,) = finding.n
        side = "above" if self.direction == "higher" else "below"
        where = f"are{self.when}" if self.at else "end"
        share = f"{finding.percent} interval of the share: {low:.0f} to {high:.0f} %"
        return f"{round(finding.effect * n)} of {n} runs {where} {side} {self.bound:g} ({share})."

"""``than`` with ``share_percent``: more than a share of a variant's runs end beyond a bound."""

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
    """For runs that end at one of two places, whose mean says nothing: each is counted."""

    question: ClassVar[str] = "how many runs"

    variant: str
    """The variant that the claim is about."""

    than: float = Field(gt=0)
    """The bound, in the metric's unit."""

    direction: Literal["lower", "higher"]
    """How these runs stand to ``than``."""

    share_percent: float = Field(gt=0, lt=100)
    """More than this share of the runs do so."""

    @property
    def variants(self) -> tuple[str, ...]:
        """The one."""
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
        """By the same test."""
        from benchmark.statistics import shares

        (ours,) = values
        counts = self._beyond(ours).sum(-1)
        return shares.p_values(counts, ours.shape[-1], self.share_percent / 100, more=True)

    def _beyond(self, values: "np.ndarray") -> "np.ndarray":
        return values > self.than if self.direction == "higher" else values < self.than

    @property
    def _true(self) -> float:
        """The share that the power is told for: nine tenths of the way up from the claimed one."""
        return 1 - 0.1 * (1 - self.share_percent / 100)

    def chance(self, seeds: int, sd: float, setting: Setting) -> float:
        """Whatever the spread."""
        from benchmark.statistics import shares

        return shares.power(seeds, self.share_percent / 100, True, self._true, setting.level)

    def drawn(
        self, rng: "np.random.Generator", suites: int, seeds: int, sd: float
    ) -> "list[np.ndarray]":
        """Each run at one of the two sides of the bound, however far from it."""
        side = 1.0 if self.direction == "higher" else -1.0
        beyond = rng.random((suites, seeds)) < self._true
        return [self.than + side * (2.0 * beyond - 1.0)]

    def bounds(self, looks: tuple[int, ...], setting: Setting) -> "Bounds":
        """By how the looks depend on each other; at several iterations added up."""
        from benchmark.statistics.sequential import share_bounds

        if len(self.columns) > 1:
            return super().bounds(looks, setting)
        return share_bounds(looks, setting.level, self.share_percent / 100, more=True)

    def sentence(self, finding: "Finding", outcome: str) -> str:
        """How many of the runs."""
        low, high = (100 * end for end in finding.interval)
        (n,) = finding.n
        side = "above" if self.direction == "higher" else "below"
        where = f"are{self.when}" if self.at else "end"
        share = f"{finding.percent} interval of the share: {low:.0f} to {high:.0f} %"
        return f"{round(finding.effect * n)} of {n} runs {where} {side} {self.than:g} ({share})."

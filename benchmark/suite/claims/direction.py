"""``against`` with ``direction`` lower or higher: a variant is below or above another."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import model_validator

from benchmark.spec.base import refuse
from benchmark.suite.claims.iterations import ClaimAtIterations
from benchmark.suite.claims.outcomes import NOT_REPRODUCED
from benchmark.suite.claims.prior import PriorSpec
from benchmark.suite.claims.sample import Setting

if TYPE_CHECKING:
    import numpy as np

    from benchmark.statistics.finding import Finding
    from benchmark.statistics.sequential import Bounds


class DirectionClaim(ClaimAtIterations):
    """Runs of one variant tend to have lower, or higher, values than runs of another."""

    question: ClassVar[str] = "which way"

    variant: str
    """The variant that the claim is about."""

    against: str
    """Compared with this other variant."""

    direction: Literal["lower", "higher"]
    """Whether ``variant`` is lower or higher than ``against``."""

    moderated: PriorSpec | None = None
    """Judge by a t test, moderated by this prior on the runs' standard deviation, instead of the
    exact test, which needs more runs. Not for runs that may end in one of two modes."""

    @model_validator(mode="after")
    def _fields_fit(self) -> "DirectionClaim":
        if self.against == self.variant:
            raise refuse("against", "must differ from variant", self.against)
        return self

    @classmethod
    def usual_margin(cls, data: dict[str, Any]) -> tuple[float, str]:
        """Return the difference for which the power is computed."""
        return usual_step(data)

    @property
    def variants(self) -> tuple[str, ...]:
        """Both variants."""
        return self.variant, self.against

    def tested(self, values: Sequence["np.ndarray"], setting: Setting) -> "Finding":
        """Mann and Whitney's test, a t test of the pairs, or a moderated one."""
        from benchmark.statistics import sequential

        pair, paired = self._ordered(values), any(setting.paired)
        if self.moderated and not paired:
            prior = self.moderated.prior
            return sequential.moderated_finding(*pair, prior, self.margin, setting.level)
        return step(*pair, paired, self.margin, setting.level)

    def p_values(
        self, values: Sequence["np.ndarray"], paired: Sequence[bool] = ()
    ) -> tuple["np.ndarray", "np.ndarray"]:
        """Return the p values of the same test."""
        from benchmark.statistics import sequential

        if self.moderated and not any(paired):
            return sequential.p_values(*self._ordered(values), self.moderated.prior)
        return step_p_values(*self._ordered(values), any(paired))

    def _ordered(self, values: Sequence["np.ndarray"]) -> tuple["np.ndarray", "np.ndarray"]:
        """Return the samples, the expected lower one first."""
        ours, other = values
        return (other, ours) if self.direction == "higher" else (ours, other)

    def chance(self, seeds: int, sd: float, setting: Setting) -> float:
        """Return the probability for a difference of ``margin``, at one iteration."""
        from benchmark.statistics import sequential

        if self.moderated and not any(setting.paired):
            design = sequential.Design((seeds,), setting.level, self.moderated.prior)
            return sequential.expected(design, self.margin, sd)[0]
        return step_chance(seeds, sd, any(setting.paired), self.margin, setting.level)

    def drawn(
        self, rng: "np.random.Generator", suites: int, seeds: int, sd: float
    ) -> "list[np.ndarray]":
        """Simulate means that are ``margin`` apart."""
        side = 1 if self.direction == "lower" else -1
        means = 0.0, side * self.margin
        return [rng.normal(mean, sd, (suites, seeds)) for mean in means]

    def bounds(self, looks: tuple[int, ...], setting: Setting) -> "Bounds":
        """Return bounds that account for the dependence between looks, except for pairs."""
        if any(setting.paired):
            return super().bounds(looks, setting)
        return step_bounds(looks, setting.level, len(self.columns), self.moderated)

    def sentence(self, finding: "Finding", outcome: str) -> str:
        """Return a sentence on how likely one run is below another."""
        least = ", where it is least," if self.at and len(self.at) > 1 else ""
        return step_sentence(finding, outcome, f"the claim holds{self.when}{least}")


def usual_step(data: dict[str, Any]) -> tuple[float, str]:
    """Return the default difference for which the power is computed, and the reason for it."""
    if data.get("metric") == "train_error_percent":
        return 0.2, "the power is told for a difference of this size; training errors end low"
    return 0.5, "the power is told for a difference of this size"


def step(
    lower: "np.ndarray", higher: "np.ndarray", paired: bool, margin: float, level: float
) -> "Finding":
    """Test whether the first is the lower one."""
    from dataclasses import replace

    from benchmark.statistics import ranks, student

    if not paired:
        return ranks.finding(lower, higher, margin, level)
    found = student.finding_beyond(higher - lower, 0.0, True, margin, level)
    return replace(found, test="paired t test", n=(len(lower), len(higher)))


def step_p_values(
    lower: "np.ndarray", higher: "np.ndarray", paired: bool
) -> tuple["np.ndarray", "np.ndarray"]:
    """Return p values for and against the first being the lower one."""
    from benchmark.statistics import ranks, student

    if not paired:
        return ranks.p_values(lower, higher)
    apart = higher - lower
    n = apart.shape[-1]
    se = apart.std(-1, ddof=1) / math.sqrt(n)
    return student.beyond(apart.mean(-1), se, n - 1, 0.0, higher=True)


def step_chance(seeds: int, sd: float, paired: bool, margin: float, level: float) -> float:
    """Return the power of a step. Pairs are planned for as if they shared nothing."""
    from benchmark.statistics import ranks, student

    if not paired:
        return ranks.power_of_steps((seeds, seeds), margin, sd, level)
    return float(student.power_beyond(sd * math.sqrt(2 / seeds), seeds - 1, margin, level))


def step_bounds(
    looks: tuple[int, ...], level: float, parts: int, moderated: PriorSpec | None = None
) -> "Bounds":
    """Return the bounds of a claim with several parts. It is supported if every part is, and
    refuted if one is, its p value against being corrected for their number."""
    from benchmark.statistics.sequential import Design, bounds

    prior = moderated.prior if moderated else None
    support, refute = (bounds(Design(looks, own, prior)) for own in (level, level / parts))
    return [(p, parts * against) for p, against in zip(support, refute, strict=True)]


def step_sentence(finding: "Finding", outcome: str, what: str) -> str:
    """Return a sentence that compares the lower one with the higher one."""
    low, high = finding.interval
    refuted = outcome == NOT_REPRODUCED
    side, value = ("against", finding.p_against) if refuted else ("for", finding.p)
    p = f"{side} it p = {value:.3g}"
    if finding.test.startswith("paired"):
        told = f"of {finding.effect:.2f} points ({finding.percent}: {low:.2f} to {high:.2f})"
        return f"In pairs of runs that share weights {what} by a mean difference {told}; {p}."
    if finding.test.startswith("moderated"):
        told = f"{finding.effect:.2f} ({finding.percent} interval: {low:.2f} to {high:.2f})"
        return f"By the means {what} by {told}; {p}."
    told = f"probability {finding.effect:.2f} ({low:.2f} to {high:.2f})"
    return f"In a pair of runs {what} with {told}; {p}."

"""``against`` with ``direction`` lower or higher: a variant is below or above another."""

import math
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np

from benchmark.statistics import ranks, sequential, student
from benchmark.statistics.finding import Finding
from benchmark.statistics.sequential import Both, Bounds, Design, bounds
from benchmark.suite.claims.against import AgainstClaim
from benchmark.suite.claims.base import Values
from benchmark.suite.claims.iterations import ClaimAtIterations
from benchmark.suite.claims.outcomes import NOT_REPRODUCED
from benchmark.suite.claims.prior import PriorSpec
from benchmark.suite.claims.sample import Setting


class DirectionClaim(AgainstClaim, ClaimAtIterations):
    """Runs of one variant tend to have lower, or higher, values than runs of another."""

    question: ClassVar[str] = "which way"

    direction: Literal["lower", "higher"]
    """Whether ``variant`` is lower or higher than ``against``."""

    moderated: PriorSpec | None = None
    """Judge by a t test, moderated by this prior on the runs' standard deviation, instead of the
    exact test, which needs more runs. Not for runs that may end in one of two modes."""

    @classmethod
    def usual_margin(cls, data: dict[str, Any]) -> tuple[float, str]:
        """Return the difference for which the power is computed."""
        return usual_step(data)

    def tested(self, values: Values, setting: Setting) -> Finding:
        """Mann and Whitney's test, a t test of the pairs, or a moderated one."""
        pair, paired = self._ordered(values), any(setting.paired)
        if self.moderated and not paired:
            prior = self.moderated.prior
            return sequential.moderated_finding(*pair, prior, self.margin, setting.level)
        return step(*pair, paired, self.margin, setting.level)

    def p_values(self, values: Values) -> Both:
        """Return the p values of the same test."""
        prior = self.moderated.prior if self.moderated else None
        return sequential.p_values(*self._ordered(values), prior)

    def _ordered(self, values: Values) -> tuple[np.ndarray, np.ndarray]:
        """Return the samples, the expected lower one first."""
        ours, other = values
        return (other, ours) if self.direction == "higher" else (ours, other)

    def chance(self, seeds: int, sd: float, setting: Setting) -> float:
        """Return the probability for a difference of ``margin``, at one iteration. Pairs are
        planned for as if they shared nothing."""
        if any(setting.paired):
            se = sd * math.sqrt(2 / seeds)
            return float(student.power_beyond(se, seeds - 1, self.margin, setting.level))
        if self.moderated:
            design = Design((seeds,), setting.level, self.moderated.prior)
            return sequential.expected(design, self.margin, sd)[0]
        return ranks.power_of_steps((seeds, seeds), self.margin, sd, setting.level)

    def drawn(self, rng: np.random.Generator, suites: int, seeds: int, sd: float) -> Values:
        """Simulate means that are ``margin`` apart."""
        side = 1 if self.direction == "lower" else -1
        means = 0.0, side * self.margin
        return [rng.normal(mean, sd, (suites, seeds)) for mean in means]

    def bounds(self, looks: tuple[int, ...], setting: Setting) -> Bounds:
        """Return bounds that account for the dependence between looks, except for pairs."""
        if any(setting.paired):
            return super().bounds(looks, setting)
        return step_bounds(looks, setting.level, len(self.columns), self.moderated)

    def sentence(self, finding: Finding, outcome: str) -> str:
        """Return a sentence on how likely one run is below another."""
        least = ", where it is least," if self.at and len(self.at) > 1 else ""
        return step_sentence(finding, outcome, f"the claim holds{self.when}{least}")


def usual_step(data: dict[str, Any]) -> tuple[float, str]:
    """Return the default difference for which the power is computed, and the reason for it."""
    if data.get("metric") == "train_error_percent":
        return 0.2, "the power is told for a difference of this size; training errors end low"
    return 0.5, "the power is told for a difference of this size"


def step(
    lower: np.ndarray, higher: np.ndarray, paired: bool, margin: float, level: float
) -> Finding:
    """Test whether the first is the lower one."""
    if not paired:
        return ranks.finding(lower, higher, margin, level)
    found = student.finding_beyond(higher - lower, 0.0, True, margin, level)
    return replace(found, test="paired t test", n=(len(lower), len(higher)))


def step_bounds(
    looks: tuple[int, ...], level: float, parts: int, moderated: PriorSpec | None = None
) -> Bounds:
    """Return the bounds of a claim with several parts. It is supported if every part is, and
    refuted if one is, its p value against being corrected for their number."""
    prior = moderated.prior if moderated else None
    support, refute = (bounds(Design(looks, own, prior)) for own in (level, level / parts))
    return [(p, parts * against) for p, against in zip(support, refute, strict=True)]


def step_sentence(finding: Finding, outcome: str, what: str) -> str:
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

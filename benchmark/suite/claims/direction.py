"""``against`` with ``direction`` lower or higher: a variant stands below or above another."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from benchmark.spec.base import Ints, refuse
from benchmark.suite.claims.base import Claim
from benchmark.suite.claims.outcomes import NOT_REPRODUCED
from benchmark.suite.claims.sample import Setting

if TYPE_CHECKING:
    import numpy as np

    from benchmark.statistics.finding import Finding

_BY_EPOCH = ("test_error_percent", "train_error_percent")


class DirectionClaim(Claim):
    """Runs of one variant tend to have lower, or higher, values than runs of another."""

    question: ClassVar[str] = "which way"

    variant: str
    """The variant that the claim is about."""

    against: str
    """Compared with this other variant."""

    direction: Literal["lower", "higher"]
    """How ``variant`` stands to ``against``."""

    at: Ints | None = Field(default=None, min_length=1, max_length=100)
    """The iterations at each of which it is lower or higher, by the last epoch that ended by then,
    in place of the training's end."""

    @model_validator(mode="after")
    def _fields_fit(self) -> "DirectionClaim":
        if self.against == self.variant:
            raise refuse("against", "must be another variant than variant", self.against)
        if self.at is None:
            return self
        if self.metric not in _BY_EPOCH:
            raise refuse("at", f"is stated with the metrics {' and '.join(_BY_EPOCH)}", self.metric)
        if list(self.at) != sorted(set(self.at)) or self.at[0] < 1:
            raise refuse("at", "must rise, from 1 on", self.at)
        return self

    @classmethod
    def usual_margin(cls, data: dict[str, Any]) -> tuple[float, str]:
        """What the power is told for."""
        return usual_step(data)

    @property
    def columns(self) -> tuple[str, ...]:
        """One for each iteration of ``at``, which ``report.measured.with_values_at`` adds."""
        if self.at:
            return tuple(f"{self.metric}@{iteration}" for iteration in self.at)
        return super().columns

    @property
    def variants(self) -> tuple[str, ...]:
        """Both."""
        return self.variant, self.against

    def tested(self, values: Sequence["np.ndarray"], setting: Setting) -> "Finding":
        """Mann and Whitney's test, or a t test of the pairs."""
        return step(*self._ordered(values), any(setting.paired), self.margin, setting.level)

    def p_values(
        self, values: Sequence["np.ndarray"], paired: Sequence[bool] = ()
    ) -> tuple["np.ndarray", "np.ndarray"]:
        """By the same test."""
        return step_p_values(*self._ordered(values), any(paired))

    def _ordered(self, values: Sequence["np.ndarray"]) -> tuple["np.ndarray", "np.ndarray"]:
        """What is to be lower first."""
        ours, other = values
        return (other, ours) if self.direction == "higher" else (ours, other)

    def chance(self, seeds: int, sd: float, setting: Setting) -> float:
        """For a difference of ``margin``, at one iteration."""
        return step_chance(seeds, sd, any(setting.paired), self.margin, setting.level)

    def sentence(self, finding: "Finding", outcome: str) -> str:
        """How likely one run is below another."""
        when = f" after {' and '.join(f'{i:,}' for i in self.at)} iterations" if self.at else ""
        least = ", where it is least," if self.at and len(self.at) > 1 else ""
        return step_sentence(finding, outcome, f"the claim holds{when}{least}")


def usual_step(data: dict[str, Any]) -> tuple[float, str]:
    """The difference that the power is told for where none is stated."""
    if data.get("metric") == "train_error_percent":
        return 0.2, "the power is told for a difference of this size; training errors end low"
    return 0.5, "the power is told for a difference of this size"


def step(
    lower: "np.ndarray", higher: "np.ndarray", paired: bool, margin: float, level: float
) -> "Finding":
    """Of the first being the lower one."""
    from dataclasses import replace

    from benchmark.statistics import ranks, student

    if not paired:
        return ranks.finding(lower, higher, margin, level)
    found = student.finding_beyond(higher - lower, 0.0, True, margin, level)
    return replace(found, test="paired t test", n=(len(lower), len(higher)))


def step_p_values(
    lower: "np.ndarray", higher: "np.ndarray", paired: bool
) -> tuple["np.ndarray", "np.ndarray"]:
    """For and against the first being the lower one."""
    from benchmark.statistics import ranks, student

    if not paired:
        return ranks.p_values(lower, higher)
    apart = higher - lower
    n = apart.shape[-1]
    se = apart.std(-1, ddof=1) / math.sqrt(n)
    return student.beyond(apart.mean(-1), se, n - 1, 0.0, higher=True)


def step_chance(seeds: int, sd: float, paired: bool, margin: float, level: float) -> float:
    """Pairs are planned for as if they shared nothing."""
    from benchmark.statistics import ranks, student

    if not paired:
        return ranks.power(seeds, seeds, margin, sd, level)
    return float(student.power_beyond(sd * math.sqrt(2 / seeds), seeds - 1, margin, level))


def step_sentence(finding: "Finding", outcome: str, what: str) -> str:
    """How the lower one stands to the higher one."""
    low, high = finding.interval
    refuted = outcome == NOT_REPRODUCED
    side, value = ("against", finding.p_against) if refuted else ("for", finding.p)
    p = f"{side} it p = {value:.3g}"
    if finding.test.startswith("paired"):
        told = f"of {finding.effect:.2f} points ({finding.percent}: {low:.2f} to {high:.2f})"
        return f"In pairs of runs that share weights {what} by a mean difference {told}; {p}."
    told = f"probability {finding.effect:.2f} ({low:.2f} to {high:.2f})"
    return f"In a pair of runs {what} with {told}; {p}."

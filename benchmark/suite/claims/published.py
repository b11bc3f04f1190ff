"""``published``: a variant, or an ensemble, matches a number of the paper."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from benchmark.paper import PUBLISHED, Published
from benchmark.spec.base import refuse
from benchmark.statistics import best, student
from benchmark.statistics.finding import Finding
from benchmark.statistics.sequential import Both
from benchmark.statistics.student import quantile
from benchmark.suite.claims.base import Claim, Values
from benchmark.suite.claims.differences import difference_sentence
from benchmark.suite.claims.outcomes import CONSISTENT, REPRODUCED
from benchmark.suite.claims.sample import Sample, Setting

NO_CHANCE = "difference, with no chance in it"
"""The test for the same weights on the same images: nothing is random, so nothing is inferred."""

_SCALES = "-224-256-384-480-640"

VIEWS = {
    "10-crop": ("ten-crop-",),
    "fully convolutional at 5 scales": (f"multi-scale{_SCALES}", f"multi-scale-sliding{_SCALES}"),
}
"""The paper's view of an image -> how the protocol's name starts. Fully convolutional is either
form: the scores of all positions of an image, averaged over it, then over its scales."""


class PublishedClaim(Claim):
    """A mean is compared with a mean, a best with a best, and one published run with one more run
    of ours, with which it can be consistent, but never equal."""

    question: ClassVar[str] = "how far apart"

    variant: str | None = None
    """The variant that the claim is about; not with ``ensemble``."""

    ensemble: tuple[str, ...] | None = Field(default=None, strict=False, min_length=2)
    """Instead of ``variant``: variants whose runs with the same seed give one value, by averaging
    their class probabilities (table 5)."""

    published: str
    """The published number to compare with, named ``table/row/column``."""

    @model_validator(mode="after")
    def _fields_fit(self) -> "PublishedClaim":
        if (self.variant is None) != bool(self.ensemble):
            raise refuse("variant", "is stated where ensemble is not", self.variant)
        if self.ensemble and not self.protocol:
            raise refuse("ensemble", "is stated with protocol", self.ensemble)
        if self.ensemble and len(set(self.ensemble)) < len(self.ensemble):
            raise refuse("ensemble", "names each variant once", self.ensemble)
        comparable = [
            key
            for key, number in PUBLISHED.items()
            if number.column == self.metric and self._is_come_by_as(number)
        ]
        if self.published not in comparable:
            known = ", ".join(comparable) or "none"
            what = f"{self.metric} by {self.protocol}" if self.protocol else self.metric
            rule = f"must be one of the published numbers of {what}: {known}"
            raise refuse("published", rule, self.published)
        return self

    def _is_come_by_as(self, number: Published) -> bool:
        """Return whether a published number was measured like the claim's value: with its protocol,
        and on an ensemble only if the claim has one."""
        if number.is_ensemble != bool(self.ensemble):
            return False
        if self.protocol is None:
            return True
        return self.protocol.startswith(VIEWS.get(number.view, ()))

    @classmethod
    def usual_margin(cls, data: dict[str, Any]) -> tuple[float, str]:
        """Return a larger margin for one run on CIFAR-10's few test images."""
        number = PUBLISHED.get(str(data.get("published")))
        if number and number.dataset == "cifar10" and number.n == 1:
            return 1.0, "one run: another of its kind may differ by half a point as it is"
        return super().usual_margin(data)

    @property
    def number(self) -> Published:
        """The published number."""
        return PUBLISHED[self.published]

    @property
    def variants(self) -> tuple[str, ...]:
        """The variant, or the members of the ensemble."""
        return self.ensemble or (str(self.variant),)

    @property
    def compared(self) -> tuple[str, ...]:
        """The name of the variant or of the ensemble."""
        return (ensemble_name(self.ensemble),) if self.ensemble else self.variants

    @property
    def needed(self) -> int:
        """At least as many runs as a published best was chosen from."""
        return max(super().needed, self.number.best_of or 1)

    def tested(self, values: Values, setting: Setting) -> Finding:
        """Depends on what is known about the published runs."""
        (ours,), number, level = values, self.number, setting.level
        difference = float(ours.mean()) - number.value
        if setting.as_published:
            p = 0.0 if abs(difference) <= self.margin else 1.0
            interval = difference, difference
            return Finding(NO_CHANCE, (1, 1), difference, interval, 1.0, p, 1 - p, power=1.0)
        if number.best_of:
            return best.finding(ours, number.value, number.best_of, self.margin, level)
        known = number.sd is not None and number.n
        test = "two one-sided Welch tests" if known else "two one-sided t tests, one run"
        se, df = self._error(ours)
        n = len(ours), number.n or 1
        return student.finding_within(test, n, difference, se, df, self.margin, level)

    def for_lost(self, samples: Sequence[Sample]) -> list[tuple[float, ...]]:
        """Return either end, and the published number, which refutes the claim least."""
        return [(*self.ends, self.number.value)]

    def p_values(self, values: Values) -> Both:
        """Return the p values of the same tests."""
        (ours,), number = values, self.number
        if number.best_of:
            return best.p_values(ours, number.value, number.best_of, self.margin)
        se, df = self._error(ours)
        return student.within(ours.mean(-1) - number.value, se, df, self.margin)

    def _error(self, ours: np.ndarray) -> tuple[Any, Any]:
        """Return standard error and degrees of freedom of the difference. A single published run of
        which only the value is known is assumed to vary from run to run as ours do."""
        number, n = self.number, ours.shape[-1]
        if number.sd is not None and number.n:
            return student.welch(ours, number.sd**2, number.n)
        return ours.std(-1, ddof=1) * math.sqrt(1 + 1 / n), n - 1

    def chance(self, seeds: int, sd: float, setting: Setting) -> float:
        """Return the probability for a net that does not have published weights."""
        number, level = self.number, setting.level
        if number.best_of:
            return best.power(seeds, sd, number.best_of, self.margin, level)
        if number.sd is None or not number.n:
            se, df = sd * math.sqrt(1 + 1 / seeds), seeds - 1.0
        else:
            own, their = sd**2 / seeds, number.sd**2 / number.n
            se = math.sqrt(own + their)
            df = (own + their) ** 2 / (own**2 / (seeds - 1) + their**2 / max(number.n - 1, 1))
        return float(student.power_within(se, df, self.margin, level))

    def drawn(self, rng: np.random.Generator, suites: int, seeds: int, sd: float) -> Values:
        """Simulate papers whose runs are like ours, shifted to the published number."""
        ours, number = rng.normal(0, sd, (suites, seeds)), self.number
        if number.best_of:
            theirs = rng.normal(0, sd, (suites, number.best_of)).min(-1, keepdims=True)
        elif number.sd is not None and number.n:
            theirs = rng.normal(0, number.sd / math.sqrt(number.n), (suites, 1))
        else:
            theirs = rng.normal(0, sd, (suites, 1))
        return [np.asarray(ours - theirs + number.value)]

    def verdict(self, outcome: str, finding: Finding | None) -> str:
        """Return that ours are consistent with a single published run, which they cannot equal."""
        inferred = finding is not None and finding.test != NO_CHANCE
        single = self.number.n == 1 and inferred and outcome == REPRODUCED
        return CONSISTENT if single else outcome

    def sentence(self, finding: Finding, outcome: str) -> str:
        """Return a sentence on the difference from the published number."""
        if finding.test == NO_CHANCE:
            side = "within" if outcome == REPRODUCED else "beyond"
            return (
                f"The difference is {finding.effect:+.2f} points, {side} the margin of "
                f"{self.margin:g}."
            )
        single = self.verdict(outcome, finding) == CONSISTENT
        tail = ", so it is consistent with the one published run" if single else ""
        sentence = difference_sentence(finding, outcome, self.margin, tail=tail)
        if self.number.n != 1 or finding.lost:
            return sentence
        low, high = self._next_run(finding)
        there = "and that is where" if low <= self.number.value <= high else "but that is not where"
        return (
            f"{sentence} One more such run is expected between {low:.2f} and {high:.2f} (95 %), "
            f"{there} the published {self.number.value:g} lies."
        )

    def _next_run(self, finding: Finding) -> tuple[float, float]:
        """Return the 95 % prediction interval of one more run of ours. The error of the difference
        from a single published run is that of a prediction."""
        df, (low, high) = finding.n[0] - 1, finding.interval
        wider = quantile(0.975, df) / quantile((1 + finding.confidence) / 2, df)
        centre, half = self.number.value + finding.effect, float(wider) * (high - low) / 2
        return centre - half, centre + half


def ensemble_name(variants: Sequence[str]) -> str:
    """Return the ensemble's name, for display and in the frames that claims are judged by."""
    return " + ".join(variants)

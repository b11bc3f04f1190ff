"""The difference between two variants' means: the base of claims of equality and of a stated
amount."""

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any, ClassVar

import numpy as np

from benchmark.statistics import student
from benchmark.statistics.finding import Finding
from benchmark.statistics.sequential import Both
from benchmark.suite.claims.against import AgainstClaim
from benchmark.suite.claims.base import Values
from benchmark.suite.claims.outcomes import INCONCLUSIVE, NOT_REPRODUCED, REPRODUCED
from benchmark.suite.claims.sample import Sample, Setting


class DifferenceClaim(AgainstClaim):
    """Our mean minus the other one is a stated amount, within ``margin``."""

    question: ClassVar[str] = "how far apart"

    @classmethod
    def usual_margin(cls, data: dict[str, Any]) -> tuple[float, str]:
        """Return a smaller margin if the values themselves are below one point."""
        if data.get("metric") == "train_error_percent":
            return 0.2, "training errors end between 0.06 and 0.6 %"
        return super().usual_margin(data)

    @property
    def expected(self) -> float:
        """The difference that the claim expects, in points."""
        return 0.0

    def tested(self, values: Values, setting: Setting) -> Finding:
        """Two one-sided t tests: Welch's or paired."""
        ours, other = values
        difference = float(ours.mean() - other.mean())
        if any(setting.paired):
            test = "two one-sided paired t tests"
            se, df = float((ours - other).std(ddof=1)) / math.sqrt(len(ours)), len(ours) - 1.0
        else:
            test = "two one-sided Welch tests"
            se, df = map(float, student.welch(ours, other.var(ddof=1), len(other)))
        n = len(ours), len(other)
        return student.finding_within(
            test, n, difference, se, df, self.margin, setting.level, self.expected
        )

    def for_lost(self, samples: Sequence[Sample]) -> list[tuple[float, ...]]:
        """Return either end, and the value that fits the claim and the other variant's mean, which
        refutes the claim least."""
        ours, other = (fmean(known) if (known := each.known()) else None for each in samples)
        if other is None:
            other = sum(self.ends) / 2 if ours is None else ours - self.expected
        if ours is None:
            ours = other + self.expected
        return [(*self.ends, other + self.expected), (*self.ends, ours - self.expected)]

    def p_values(self, values: Values) -> Both:
        """Return the p values of the same tests."""
        ours, other = values
        difference = ours.mean(-1) - other.mean(-1) - self.expected
        se, df = student.welch(ours, other.var(-1, ddof=1), other.shape[-1])
        return student.within(difference, se, df, self.margin)

    def chance(self, seeds: int, sd: float, setting: Setting) -> float:
        """Return the probability. Pairs are planned for as if they shared nothing."""
        df = seeds - 1 if any(setting.paired) else 2 * seeds - 2
        se = sd * math.sqrt(2 / seeds)
        return float(student.power_within(se, df, self.margin, setting.level))

    def drawn(self, rng: np.random.Generator, suites: int, seeds: int, sd: float) -> Values:
        """Simulate means that differ as the claim expects."""
        return [rng.normal(mean, sd, (suites, seeds)) for mean in (self.expected, 0.0)]

    def sentence(self, finding: Finding, outcome: str) -> str:
        """Return a sentence on the difference and its interval."""
        around = f" around the stated {self.expected:+g}" if self.expected else ""
        return difference_sentence(finding, outcome, self.margin, around)


def difference_sentence(
    finding: Finding, outcome: str, margin: float, around: str = "", tail: str = ""
) -> str:
    """Return a sentence on the difference and whether its interval lies within the margin."""
    low, high = finding.interval
    where = {
        REPRODUCED: "lies within",
        NOT_REPRODUCED: "lies beyond",
        INCONCLUSIVE: "does not decide whether it is within",
    }[outcome]
    interval = f"its {finding.percent} interval, {low:+.2f} to {high:+.2f},"
    what = f"The difference is {finding.effect:+.2f} points"
    return f"{what}; {interval} {where} the margin of {margin:g}{around}{tail}."

"""``trend``: along a list of variants, each step goes the same way."""

from dataclasses import replace
from itertools import pairwise
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from benchmark.spec.base import refuse
from benchmark.statistics import ranks
from benchmark.statistics.finding import Finding
from benchmark.statistics.sequential import Both, Bounds
from benchmark.statistics.student import possible
from benchmark.suite.claims.base import Claim, Values
from benchmark.suite.claims.direction import step, step_bounds, step_sentence, usual_step
from benchmark.suite.claims.sample import Setting


class TrendClaim(Claim):
    """A claim about every step, like "the deeper, the lower": the trend is supported if every step
    is (an intersection-union test, which needs no correction), and refuted if one step is."""

    question: ClassVar[str] = "which way"

    trend: tuple[str, ...] = Field(strict=False, min_length=2)
    """Variants along which the metric moves in ``direction`` at each step."""

    direction: Literal["lower", "higher"]
    """Each variant's metric relative to the one before."""

    @model_validator(mode="after")
    def _each_once(self) -> "TrendClaim":
        if len(set(self.trend)) < len(self.trend):
            raise refuse("trend", "names each variant once", self.trend)
        return self

    @classmethod
    def usual_margin(cls, data: dict[str, Any]) -> tuple[float, str]:
        """Return the difference for which the power of each step is computed."""
        return usual_step(data)

    @property
    def variants(self) -> tuple[str, ...]:
        """In the order of the trend."""
        return self.trend

    def tested(self, values: Values, setting: Setting) -> Finding:
        """The least supported step's."""
        pairs = self._steps(values)
        steps = [
            step(*pair, paired, self.margin, setting.level)
            for pair, paired in zip(pairs, setting.paired or [False] * len(pairs), strict=True)
        ]
        where = max(range(len(steps)), key=lambda number: steps[number].p)
        against = min(1.0, len(steps) * min(each.p_against for each in steps))
        sd = float(sum(each.var(ddof=1) for each in values) / len(values)) ** 0.5
        df = sum(len(each) - 1 for each in values)
        sizes = tuple(len(each) for each in values)
        sds = possible(sd, df) if sd else 0.0
        power = ranks.power_of_steps(sizes, self.margin, sds, setting.level)
        test = f"{steps[where].test} of each step"
        return replace(
            steps[where], test=test, n=sizes, p_against=against, power=power, where=where
        )

    def p_values(self, values: Values) -> Both:
        """Return the p values of the same tests."""
        p, against = zip(*(ranks.p_values(*pair) for pair in self._steps(values)), strict=True)
        return np.max(p, axis=0), np.minimum(1, len(against) * np.min(against, axis=0))

    def _steps(self, values: Values) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return for each step the expected lower and the expected higher sample."""
        rising = self.direction == "higher"
        return [pair if rising else pair[::-1] for pair in pairwise(values)]

    def chance(self, seeds: int, sd: float, setting: Setting) -> float:
        """Return the probability for steps of ``margin``."""
        sizes = (seeds,) * len(self.trend)
        return ranks.power_of_steps(sizes, self.margin, sd, setting.level)

    def drawn(self, rng: np.random.Generator, suites: int, seeds: int, sd: float) -> Values:
        """Simulate steps of ``margin``."""
        way = 1 if self.direction == "higher" else -1
        means = [way * self.margin * number for number in range(len(self.trend))]
        return [rng.normal(mean, sd, (suites, seeds)) for mean in means]

    def bounds(self, looks: tuple[int, ...], setting: Setting) -> Bounds:
        """Return the bounds of each step, unless one is of pairs."""
        if any(setting.paired):
            return super().bounds(looks, setting)
        return step_bounds(looks, setting.level, len(self.trend) - 1)

    def sentence(self, finding: Finding, outcome: str) -> str:
        """Return a sentence on the least supported step."""
        first, second = self.trend[finding.where : finding.where + 2]
        what = f"the least step, from {first} to {second}, goes this way"
        return step_sentence(finding, outcome, what)

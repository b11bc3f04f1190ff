"""Group-sequential designs for directions: looking at fewer seeds first, at a level that holds.

A look spends a part of the level, by Lan and DeMets's (1983) form of Pocock's bounds, which decides
early where it can. By how much two looks depend on each other is drawn, not approximated: under the
exact test's null hypothesis the ranks of all runs are a random order, whatever their distribution.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from scipy import special

from benchmark.statistics import ranks

Test = Literal["exact", "moderated"]

PRIOR_SD, PRIOR_DF = 0.2, 6.0
"""What is held of the standard deviation of test errors before any run: others saw 0.13 to 0.27 on
CIFAR-10."""

_DRAWS = 200_000


@dataclass(frozen=True)
class Design:
    """When to look, and how."""

    looks: tuple[int, ...]
    """Runs of each variant at each look, rising; one look is a fixed design."""
    level: float = 0.05
    """Of one claim, on either side."""
    test: Test = "exact"
    """``exact``: Mann and Whitney's. ``moderated``: a t test whose variance is drawn towards
    ``PRIOR_SD``, as if ``PRIOR_DF`` more runs had shown it. Where runs differ by twice that, a
    level of 5 % is one of 9 % with one look at five runs, and of 13 % with looks at 2, 3 and 5. Not
    for runs that may end at one of two places, as deep plain nets do: there it is 15 %."""

    def __post_init__(self) -> None:
        if list(self.looks) != sorted(set(self.looks)) or not self.looks or self.looks[0] < 2:
            raise ValueError(f"looks must rise, from 2 on. Received: {self.looks}")


@dataclass(frozen=True)
class Course:
    """How claims went that were looked at again and again; arrays, one value a claim."""

    decided: np.ndarray
    """1 where the claim was supported, -1 where it was refuted, 0 where neither."""
    runs: np.ndarray
    """Of each variant, until then."""


def spent(share: float, level: float) -> float:
    """Of the level, by the share of the runs that have ended."""
    return level * math.log(1 + (math.e - 1) * share)


@cache
def bounds(design: Design) -> tuple[float, ...]:
    """The p value at or below which each look decides; 0 where none can."""
    rng = np.random.default_rng(0)
    most = design.looks[-1]
    # Where the prior of the variance is true, the moderated test's p values are uniform.
    sd = np.ones((_DRAWS, 1))
    if design.test == "moderated":
        sd = PRIOR_SD * np.sqrt(PRIOR_DF / rng.chisquare(PRIOR_DF, (_DRAWS, 1)))
    first, second = rng.normal(size=(2, _DRAWS, most)) * sd
    going, found = np.ones(_DRAWS, bool), []
    for n in design.looks:
        p, _ = p_values(first[:, :n], second[:, :n], design.test)
        may = spent(n / most, design.level) * _DRAWS - np.sum(~going)
        found.append(_largest_bound(p[going], may))
        going &= p > found[-1]
    return tuple(found)


def _largest_bound(p: np.ndarray, may: float) -> float:
    """The largest of the p values that no more than ``may`` are at or below."""
    values, counts = np.unique(p, return_counts=True)
    allowed = values[np.cumsum(counts) <= may]
    return float(allowed[-1]) if len(allowed) else 0.0


def p_values(first: np.ndarray, second: np.ndarray, test: Test) -> tuple[np.ndarray, np.ndarray]:
    """For and against the first being lower, at one look."""
    if test == "exact":
        return ranks.p_values(first, second)
    n = first.shape[-1]
    seen = (first.var(-1, ddof=1) + second.var(-1, ddof=1)) / 2
    df = PRIOR_DF + 2 * n - 2
    variance = (PRIOR_DF * PRIOR_SD**2 + (2 * n - 2) * seen) / df
    distance = (second.mean(-1) - first.mean(-1)) / np.sqrt(2 * variance / n)
    return special.stdtr(df, -distance), special.stdtr(df, distance)


def followed(first: np.ndarray, second: np.ndarray, design: Design) -> Course:
    """What becomes of claims that the first is lower; runs stand along the last axis, in the order
    in which they end."""
    shape = np.broadcast_shapes(first.shape[:-1], second.shape[:-1])
    decided, runs = np.zeros(shape, int), np.full(shape, design.looks[-1])
    for n, bound in zip(design.looks, bounds(design), strict=True):
        p, against = p_values(first[..., :n], second[..., :n], design.test)
        for side, value in ((1, p), (-1, against)):
            now = (decided == 0) & (value <= bound) & (bound > 0)
            runs = np.where(now, n, runs)
            decided = np.where(now, side, decided)
    return Course(decided, runs)


def expected(
    design: Design, difference: float, sd: float, draws: int = 10_000
) -> tuple[float, float]:
    """The chance to decide for a true difference, and the mean number of runs of each variant."""
    rng = np.random.default_rng(1)
    shape: Sequence[int] = (draws, design.looks[-1])
    course = followed(rng.normal(0, sd, shape), rng.normal(difference, sd, shape), design)
    return float(np.mean(course.decided == 1)), float(course.runs.mean())

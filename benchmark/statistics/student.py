"""Student's t tests: means within a margin of a value, and beyond a bound."""

import math

import numpy as np
import scipy
from numpy.typing import ArrayLike

from benchmark.statistics.finding import TINY, Finding

_GRID = (np.arange(200) + 0.5) / 200
"""Quantiles for averaging over the unknown standard deviation."""


def quantile(p: float, df: ArrayLike) -> np.ndarray:
    """Return a quantile of Student's t distribution."""
    return scipy.special.stdtrit(df, p)


def within(
    difference: ArrayLike, se: ArrayLike, df: ArrayLike, margin: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return p values for and against a difference within ``margin``: two one-sided tests
    (Schuirmann, 1987), and twice the smaller tail of the hypothesis that it is no larger."""
    difference, se = np.asarray(difference, float), np.maximum(se, TINY)
    above = scipy.special.stdtr(df, -(difference + margin) / se)
    below = scipy.special.stdtr(df, (difference - margin) / se)
    p = np.maximum(above, below)
    against = np.minimum(1.0, 2 * np.minimum(1 - above, 1 - below))
    return p, against


def beyond(
    mean: ArrayLike, se: ArrayLike, df: ArrayLike, bound: float, higher: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return p values for and against a mean on the given side of ``bound``."""
    distance = (1 if higher else -1) * (np.asarray(mean) - bound) / np.maximum(se, TINY)
    return scipy.special.stdtr(df, -distance), scipy.special.stdtr(df, distance)


def welch(
    ours: ArrayLike, theirs_variance: ArrayLike, theirs_n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return a difference of means' standard error and Welch-Satterthwaite degrees of freedom."""
    ours = np.asarray(ours, float)
    n = ours.shape[-1]
    own, their = ours.var(-1, ddof=1) / n, np.asarray(theirs_variance, float) / theirs_n
    parts = own**2 / (n - 1) + their**2 / max(theirs_n - 1, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        df = np.where(parts > 0, (own + their) ** 2 / parts, n + theirs_n - 2)
    return np.sqrt(own + their), df


def finding_within(
    test: str,
    n: tuple[int, ...],
    difference: float,
    se: float,
    df: float,
    margin: float,
    level: float,
    around: float = 0.0,
) -> Finding:
    """Return the finding for a difference that should be within ``margin`` of ``around``."""
    se, df = max(float(se), TINY), float(df)
    half = float(quantile(1 - level, df)) * se
    p, against = within(difference - around, se, df, margin)
    interval = float(difference) - half, float(difference) + half
    power = float(np.mean(power_within(possible(se, df), df, margin, level)))
    return Finding(
        test, n, float(difference), interval, 1 - 2 * level, float(p), float(against), power
    )


def possible(sd: float, df: float) -> np.ndarray:
    """Return equally likely values of the true standard deviation (or error), given an observed one
    with ``df`` degrees of freedom: quantiles of its distribution."""
    return sd * np.sqrt(df / scipy.special.chdtri(df, _GRID))


def power_within(se: ArrayLike, df: float, margin: float, level: float) -> np.ndarray:
    """Return the chance of finding a true difference of zero to be within ``margin``, for true
    standard errors of any shape."""
    se = np.maximum(np.asarray(se, float), TINY)[..., None]
    seen = np.sqrt(scipy.special.chdtri(df, _GRID) / df)  # As a ratio to the true one.
    reach = (margin - quantile(1 - level, df) * seen * se) / se
    return np.maximum(0.0, 2 * scipy.special.ndtr(reach) - 1).mean(-1)


def power_beyond(se: ArrayLike, df: float, margin: float, level: float) -> np.ndarray:
    """Return the chance of finding a mean ``margin`` beyond its bound to be beyond it."""
    spread = np.maximum(np.asarray(se, float), TINY)[..., None]
    seen = np.sqrt(scipy.special.chdtri(df, _GRID) / df)
    return scipy.special.ndtr(margin / spread - quantile(1 - level, df) * seen).mean(-1)


def finding_beyond(
    values: np.ndarray, bound: float, higher: bool, margin: float, level: float
) -> Finding:
    """Return the finding for a mean against a bound, by a one-sided t test."""
    n, mean = len(values), float(np.mean(values))
    se = max(float(np.std(values, ddof=1)) / math.sqrt(n), TINY)
    half = float(quantile(1 - level, n - 1)) * se
    p, against = beyond(mean, se, n - 1, bound, higher)
    power = float(np.mean(power_beyond(possible(se, n - 1), n - 1, margin, level)))
    interval = mean - half, mean + half
    name = "one-sided t test"
    return Finding(name, (n,), mean, interval, 1 - 2 * level, float(p), float(against), power)

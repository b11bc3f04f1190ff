"""The exact binomial test for the share of runs with a property."""

import numpy as np
import scipy
from numpy.typing import ArrayLike

from benchmark.statistics.finding import Finding


def p_values(count: ArrayLike, n: int, share: float, more: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return p values for and against more (or fewer) than ``share`` of the runs being counted."""
    count = np.asarray(count)
    at_least, at_most = (
        scipy.special.bdtrc(count - 1, n, share),
        scipy.special.bdtr(count, n, share),
    )
    return (at_least, at_most) if more else (at_most, at_least)


def finding(count: int, n: int, share: float, more: bool, true: float, level: float) -> Finding:
    """Return the finding, with a Clopper-Pearson interval. ``true``: the share for the power."""
    p, against = p_values(count, n, share, more)
    low = float(scipy.special.betaincinv(count, n - count + 1, level)) if count else 0.0
    high = float(scipy.special.betaincinv(count + 1, n - count, 1 - level)) if count < n else 1.0
    chance = power(n, share, more, true, level)
    confidence = 1 - 2 * level
    name = "exact binomial"
    return Finding(name, (n,), count / n, (low, high), confidence, float(p), float(against), chance)


def power(n: int, share: float, more: bool, true: float, level: float) -> float:
    """Return the chance that ``n`` runs support the claim if the share is ``true``."""
    counts = np.arange(n + 1)
    p, _ = p_values(counts, n, share, more)
    chances = scipy.special.binom(n, counts) * true**counts * (1 - true) ** (n - counts)
    return float(chances[p <= level].sum())

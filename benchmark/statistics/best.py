"""The best of several runs, compared with a published best of as many."""

import math
from functools import cache

import numpy as np

from benchmark.statistics.finding import TINY, Finding
from benchmark.statistics.student import possible


def best(runs: np.ndarray, of: int) -> np.ndarray:
    """Return the mean, over all choices of ``of`` runs along the last axis, of the lowest value.

    Raises ValueError if there are fewer runs."""
    n = runs.shape[-1]
    if n < of:
        raise ValueError(f"a best of {of} needs as many runs. Received: {n}")
    choices = [math.comb(n - 1 - rank, of - 1) / math.comb(n, of) for rank in range(n)]
    return np.sort(runs, axis=-1) @ np.array(choices)


def p_values(
    ours: np.ndarray, published: float, of: int, margin: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return p values for and against their best being ours within ``margin``. The lowest of
    normal errors is not normal, so the difference, in units of our standard deviation, is compared
    with its simulated distribution."""
    sd = np.maximum(ours.std(-1, ddof=1), TINY)
    difference = best(ours, of) - published
    drawn = _differences(ours.shape[-1], of)
    above = 1 - np.searchsorted(drawn, (difference + margin) / sd) / len(drawn)
    below = np.searchsorted(drawn, (difference - margin) / sd, "right") / len(drawn)
    return np.maximum(above, below), np.minimum(1, 2 * np.minimum(1 - above, 1 - below))


def finding(ours: np.ndarray, published: float, of: int, margin: float, level: float) -> Finding:
    """Return the finding for our best against a published best."""
    n, sd = len(ours), max(float(np.std(ours, ddof=1)), TINY)
    difference = float(best(ours, of)) - published
    low, high = _between(n, of, level)
    p, against = p_values(ours, published, of, margin)
    powers = [power(n, true, of, margin, level) for true in possible(sd, n - 1)[5::10]]
    return Finding(
        test=f"two one-sided tests, best of {of}",
        n=(n, of),
        effect=difference,
        interval=(float(difference - high * sd), float(difference - low * sd)),
        confidence=1 - 2 * level,
        p=float(p),
        p_against=float(against),
        power=float(np.mean(powers)),
    )


def power(n: int, sd: float, of: int, margin: float, level: float) -> float:
    """Return the chance of finding two bests of the same kind of run to be within ``margin``."""
    difference, seen = (part * sd for part in _papers(n, of))
    low, high = _between(n, of, level)
    inside = (difference - low * seen <= margin) & (difference - high * seen >= -margin)
    return float(np.mean(inside))


def _between(n: int, of: int, level: float) -> tuple[float, float]:
    """Return the two simulated differences that a share of ``level`` lies below, and above."""
    drawn = _differences(n, of)
    last = len(drawn) - 1
    return drawn[int(level * len(drawn))], drawn[min(last, int((1 - level) * len(drawn)))]


@cache
def _papers(n: int, of: int) -> tuple[np.ndarray, np.ndarray]:
    """Simulate papers: return our best minus theirs, and our standard deviation, both in units of
    the true one."""
    rng, papers = np.random.default_rng(0), min(100_000, 20_000_000 // n)
    ours, theirs = rng.normal(size=(papers, n)), rng.normal(size=(papers, of))
    return best(ours, of) - theirs.min(axis=1), ours.std(axis=1, ddof=1)


@cache
def _differences(n: int, of: int) -> np.ndarray:
    """Return the simulated differences in units of our standard deviation, sorted."""
    difference, sd = _papers(n, of)
    return np.sort(difference / sd)

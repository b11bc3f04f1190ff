"""The tests behind the verdicts: pure functions of errors or precisions in percent, one a run.

Each returns a Finding with two p values: of the claim's opposite (small where the claim is
supported), and of the claim (small where it is refuted). Level 5 % throughout.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy import optimize, stats

from benchmark.report.attainable import ALPHA

_DRAWS = 2000
_PERMUTATIONS = 9999
"""At most; where there are no more orders than that, each is tried."""


@dataclass(frozen=True)
class Finding:
    """What a test found."""

    test: str
    n: tuple[int, ...]
    """Runs on each side."""
    effect: float
    """Difference in points, the probability that one run has a lower value than another, or the
    mean that is held against a bound."""
    interval: tuple[float, float]
    """Of the effect: 90 % for equivalence and a bound, else 95 %."""
    p: float
    """Small where the claim is supported."""
    p_against: float
    """Small where the claim is refuted."""
    power: float
    """The chance to support the claim, were it true: no difference for an equivalence, one of the
    margin for a direction and beyond a bound, one of the margin from each variant to the next for
    a trend; with as many runs, and the spread that they showed."""
    in_order: bool = True
    """Whether the means of a trend's variants stand in its order; without, it is not supported."""


NO_CHANCE = "difference, with no chance in it"


def difference(ours: float, published: float, margin: float) -> Finding:
    """The same weights tested on the same images give the published value, within ``margin``:
    nothing is drawn, so there is nothing to infer."""
    effect = ours - published
    p = 0.0 if abs(effect) <= margin else 1.0
    return Finding(NO_CHANCE, (1, 1), effect, (effect, effect), p, 1 - p, power=1.0)


def equivalence(ours: Sequence[float], mean: float, sd: float, n: int, margin: float) -> Finding:
    """Our mean is theirs within ``margin``: two one-sided Welch tests (Schuirmann, 1987)."""
    own, their = float(np.var(ours, ddof=1)) / len(ours), sd**2 / n
    parts = own**2 / (len(ours) - 1) + their**2 / max(n - 1, 1)
    df = (own + their) ** 2 / parts if parts else len(ours) + n - 2
    difference, se = float(np.mean(ours)) - mean, math.sqrt(own + their)
    name = "two one-sided Welch tests"
    return _two_one_sided(name, difference, se, df, margin, (len(ours), n))


def equivalence_of_samples(
    ours: Sequence[float], theirs: Sequence[float], margin: float
) -> Finding:
    """Two variants have one mean within ``margin``."""
    sd = float(np.std(theirs, ddof=1))
    return equivalence(ours, float(np.mean(theirs)), sd, len(theirs), margin)


def equivalence_of_difference(
    ours: Sequence[float], theirs: Sequence[float], stated: float, margin: float
) -> Finding:
    """The means of two variants, ours less theirs, differ by ``stated`` within ``margin``. The
    effect is the difference itself."""
    found = equivalence_of_samples([value - stated for value in ours], theirs, margin)
    low, high = found.interval
    return replace(found, effect=found.effect + stated, interval=(low + stated, high + stated))


def beyond(ours: Sequence[float], bound: float, higher: bool, margin: float) -> Finding:
    """Our mean is higher, or lower, than ``bound``: a one-sided t test."""
    n, mean, side = len(ours), float(np.mean(ours)), 1 if higher else -1
    se = max(float(np.std(ours, ddof=1)) / math.sqrt(n), 1e-9)
    distance, least = side * (mean - bound) / se, float(stats.t.ppf(1 - ALPHA, n - 1))
    return Finding(
        test="one-sided t test",
        n=(n,),
        effect=mean,
        interval=(mean - least * se, mean + least * se),
        p=float(stats.t.sf(distance, n - 1)),
        p_against=float(stats.t.cdf(distance, n - 1)),
        power=float(stats.nct.sf(least, n - 1, min(margin / se, 30))),  # There it is 1.
    )


def consistency(ours: Sequence[float], published: float, margin: float) -> Finding:
    """One published run could be one more of ours, within ``margin``.

    The interval is that of one more run around our mean, taken from the published value. It says
    that theirs varies from run to run as ours does, as nothing else is known of it.
    """
    n = len(ours)
    se = float(np.std(ours, ddof=1)) * math.sqrt(1 + 1 / n)
    difference = float(np.mean(ours)) - published
    return _two_one_sided("prediction interval", difference, se, n - 1, margin, (n, 1))


def consistency_of_best(ours: Sequence[float], published: float, of: int, margin: float) -> Finding:
    """Their best of ``of`` runs could be our best of as many, within ``margin``.

    Ours is the mean of the lowest of each choice of ``of`` among our runs. The lowest of normal
    errors is not normal, so the difference, in units of our sd, is held against what it is among
    drawn runs. Raises ValueError where we have fewer.
    """
    if len(ours) < of:
        raise ValueError(f"a best of {of} needs as many runs. Received: {len(ours)}")
    n, sd = len(ours), max(float(np.std(ours, ddof=1)), 1e-9)
    difference = float(_best(np.asarray(ours, float), of)) - published
    drawn = _differences_of_best(n, of)
    low, high = drawn[int(ALPHA * len(drawn))], drawn[int((1 - ALPHA) * len(drawn))]
    above = 1 - np.searchsorted(drawn, (difference + margin) / sd) / len(drawn)
    below = np.searchsorted(drawn, (difference - margin) / sd, "right") / len(drawn)
    within = np.searchsorted(drawn, (high - margin / sd, low + margin / sd)) / len(drawn)
    return Finding(
        test=f"prediction interval of the best of {of}",
        n=(n, of),
        effect=difference,
        interval=(float(difference - high * sd), float(difference - low * sd)),
        p=float(max(above, below)),
        p_against=float(min(1 - above, 1 - below)),
        power=float(max(0.0, within[1] - within[0])),
    )


def _best(runs: np.ndarray, of: int) -> np.ndarray:
    """The mean of the lowest of each choice of ``of`` among the runs, along the last axis."""
    n = runs.shape[-1]
    choices = [math.comb(n - 1 - rank, of - 1) / math.comb(n, of) for rank in range(n)]
    return np.sort(runs, axis=-1) @ np.array(choices)


@cache
def _differences_of_best(n: int, of: int) -> np.ndarray:
    """Of the best of ``n`` normal runs and that of ``of`` others, in units of the former's sd, in
    order."""
    rng, papers = np.random.default_rng(0), min(100_000, 20_000_000 // n)
    ours, theirs = rng.normal(size=(papers, n)), rng.normal(size=(papers, of))
    return np.sort((_best(ours, of) - theirs.min(axis=1)) / ours.std(axis=1, ddof=1))


def lower(
    ours: Sequence[float], other: Sequence[float], margin: float, level: float = ALPHA
) -> Finding:
    """Ours tends to be lower: exact Mann-Whitney (with ties, a permutation of the ranks), and the
    probability that one of ours is below one of the others. ``level``: what the power is of; a
    claim of a family has the smallest of Holm's."""
    first, second = np.asarray(ours, float), np.asarray(other, float)
    p, p_against = (mann_whitney(first, second, way) for way in ("less", "greater"))
    effect = float(_share_below(first, second))
    n = (len(first), len(second))
    spread = math.sqrt((np.var(first, ddof=1) + np.var(second, ddof=1)) / 2)
    rng = np.random.default_rng(0)
    drawn = rng.normal(0, 1, (_DRAWS, n[0])) * spread, rng.normal(0, 1, (_DRAWS, n[1])) * spread
    seen = stats.mannwhitneyu(
        drawn[0], drawn[1] + margin, alternative="less", method="exact", axis=1
    )
    power = float(np.mean(seen.pvalue <= level)) if spread else float(p <= level)
    interval = interval_of_share(effect, *n)
    return Finding("exact Mann-Whitney", n, effect, interval, p, p_against, power)


def interval_of_share(share: float, n: int, m: int) -> tuple[float, float]:
    """95 %, of the probability that one of ``n`` runs is below one of ``m``: the fifth method of
    Newcombe (2006). A bootstrap of three runs a side holds the truth in 70 to 80 % of cases."""
    z, many = stats.norm.ppf(0.975), (n + m) / 2 - 1

    def beyond(t: float) -> float:
        variance = t * (1 - t) / (n * m) * (1 + many * (1 - t) / (2 - t) + many * t / (1 + t))
        return (share - t) ** 2 - z**2 * variance

    tiny = 1e-9
    low = optimize.brentq(beyond, 0, min(share, 1 - tiny)) if share else 0.0
    high = optimize.brentq(beyond, max(share, tiny), 1) if share < 1 else 1.0
    return float(low), float(high)


def rising(groups: Sequence[Sequence[float]], margin: float, level: float = ALPHA) -> Finding:
    """The errors rise from each group to the next: Jonckheere-Terpstra, by permutation. Since one
    large step is enough for that test, the means have to stand in order as well.

    The effect is the probability that a run of a later group is above one of an earlier group;
    its interval is a bootstrap's.
    """
    sizes = [len(group) for group in groups]
    labels = np.repeat(np.arange(len(groups)), sizes)
    ends = np.cumsum(sizes)
    pairs = [int(begin * size) for begin, size in zip(ends[:-1], sizes[1:], strict=True)]

    def above(x, axis=-1):
        shares = [
            _share_below(x[..., :begin], x[..., begin:end])
            for begin, end in itertools.pairwise(ends)
        ]
        return sum(share * n for share, n in zip(shares, pairs, strict=True)) / sum(pairs)

    pooled = np.concatenate([np.asarray(group, float) for group in groups])
    found = stats.permutation_test(
        (pooled,), above, permutation_type="pairings", vectorized=True, axis=-1,
        n_resamples=_PERMUTATIONS, batch=1000, alternative="greater", rng=np.random.default_rng(0),
    )  # fmt: skip
    orders = found.null_distribution
    sampled = len(orders) == _PERMUTATIONS  # Then the order that was seen counts as one more.
    as_low = np.sum(orders <= found.statistic + 1e-9)
    p, p_against = float(found.pvalue), float((as_low + sampled) / (len(orders) + sampled))
    rng = np.random.default_rng(0)
    again = np.concatenate(
        [rng.choice(np.asarray(group, float), (_DRAWS, len(group))) for group in groups], axis=1
    )
    low, high = np.quantile(above(again), (0.025, 0.975))
    spread = math.sqrt(np.mean([np.var(group, ddof=1) for group in groups]))
    drawn = rng.normal(0, 1, (_DRAWS, len(pooled))) * spread + margin * labels
    n, squares = len(pooled), sum(size**2 * (2 * size + 3) for size in sizes)
    sd = math.sqrt((n**2 * (2 * n + 3) - squares) / 72) / sum(pairs)

    def in_order(x):
        means = [part.mean(-1) for part in np.split(x, ends[:-1], axis=-1)]
        return np.all(np.diff(means, axis=0) > 0, axis=0)

    found_so = (above(drawn) - 0.5) / sd >= stats.norm.ppf(1 - level)
    return Finding(
        test="Jonckheere-Terpstra by permutation",
        n=tuple(sizes),
        effect=float(above(pooled)),
        interval=(float(low), float(high)),
        p=p,
        p_against=p_against,
        power=float(np.mean(found_so & in_order(drawn))),
        in_order=bool(in_order(pooled)),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted for being a family (Holm, 1979)."""
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(p_values, ALPHA, "holm")[1]] if p_values else []


def _two_one_sided(
    test: str, difference: float, se: float, df: float, margin: float, n: tuple[int, ...]
) -> Finding:
    se = max(float(se), 1e-9)
    half = float(stats.t.ppf(1 - ALPHA, df)) * se
    above = stats.t.sf((difference + margin) / se, df)
    below = stats.t.cdf((difference - margin) / se, df)
    power = max(0.0, 2 * stats.t.cdf(margin / se - half / se, df) - 1)
    return Finding(
        test=test,
        n=n,
        effect=float(difference),
        interval=(float(difference) - half, float(difference) + half),
        p=float(max(above, below)),
        p_against=float(min(1 - above, 1 - below)),
        power=float(power),
    )


def _share_below(first: np.ndarray, second: np.ndarray, axis: int = -1) -> np.ndarray:
    """Of the pairs of one of the first and one of the second, along the last axis: the share in
    which the first's is lower; a tie counts half (Mann-Whitney's U, from the sum of the ranks)."""
    n, m = first.shape[-1], second.shape[-1]
    ranks = stats.rankdata(np.concatenate([first, second], axis=-1), axis=-1)
    return (ranks[..., n:].sum(-1) - m * (m + 1) / 2) / (n * m)


def mann_whitney(first: np.ndarray, second: np.ndarray, way: str) -> float:
    """The one-sided p value of the first being ``less`` or ``greater``."""
    ties = len(np.unique(np.concatenate([first, second]))) < len(first) + len(second)
    method = stats.PermutationMethod(n_resamples=_PERMUTATIONS, rng=np.random.default_rng(0))
    return float(
        stats.mannwhitneyu(
            first, second, alternative=way, method=method if ties else "exact"
        ).pvalue
    )

"""The tests behind the verdicts: calibrated, and as the books have them."""

import math
import resource

import numpy as np
import pytest
from scipy import stats

from benchmark.report import statistics
from benchmark.report.statistics import ALPHA

PAPERS = 10_000
MARGIN, SD = 0.5, 0.16
AT_MOST = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / PAPERS)
"""The level, and three standard errors of a share of so many papers."""


def share_reproduced(finding_of, n, spread=SD, side=1):
    """Of synthetic papers whose truth lies on the margin: ours is that much worse or, with the
    ``side`` -1, better."""
    rng = np.random.default_rng(n)
    ours = rng.normal(7 + side * MARGIN, spread, (PAPERS, n))
    return np.mean([finding_of(sample, rng).p <= ALPHA for sample in ours])


@pytest.mark.parametrize("n", [3, 5, 10])
def test_a_mean_on_the_margin_is_rarely_called_reproduced(n):
    def finding(ours, rng):
        theirs = rng.normal(7, SD, 5)
        return statistics.equivalence(ours, theirs.mean(), theirs.std(ddof=1), 5, MARGIN)

    assert share_reproduced(finding, n) <= AT_MOST


@pytest.mark.parametrize(("n", "spread"), [(3, 0.05), (5, 0.16), (10, 0.05)])
def test_a_run_on_the_margin_is_rarely_called_consistent(n, spread):
    def finding(ours, rng):
        return statistics.consistency(ours, rng.normal(7, spread), MARGIN)

    assert share_reproduced(finding, n, spread) <= AT_MOST


@pytest.mark.parametrize("n", [3, 5])
def test_a_mean_on_the_bound_is_rarely_called_beyond_it(n):
    def finding(ours, rng):
        return statistics.beyond(ours, 7 + MARGIN, higher=True, margin=MARGIN)

    assert share_reproduced(finding, n) <= AT_MOST


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize(("n", "spread"), [(5, 0.05), (5, 0.2), (10, 0.16)])
def test_a_best_on_the_margin_is_rarely_called_consistent(n, spread, side):
    def finding(ours, rng):
        return statistics.consistency_of_best(ours, rng.normal(7, spread, 5).min(), 5, MARGIN)

    assert share_reproduced(finding, n, spread, side) <= AT_MOST


@pytest.mark.parametrize("n", [3, 5])
def test_equal_variants_rarely_have_a_direction(n):
    rng = np.random.default_rng(0)
    first, second = rng.normal(7, SD, (2, PAPERS, n))
    p = [
        statistics.mann_whitney(one, other, "less")
        for one, other in zip(first[:2000], second[:2000], strict=True)
    ]
    assert np.mean(np.array(p) <= ALPHA) <= ALPHA + 3 * math.sqrt(ALPHA / 2000)


def test_noise_makes_reproduction_harder():
    rng = np.random.default_rng(0)
    calm, noisy = (
        [statistics.consistency(rng.normal(8.75, sd, 5), 8.75, MARGIN).p for _ in range(200)]
        for sd in (0.05, 1.0)
    )
    assert np.mean(np.array(calm) <= ALPHA) == 1
    assert np.mean(np.array(noisy) <= ALPHA) < 0.05


def test_welch_by_hand():
    ours = [6.5, 6.7, 6.6, 6.8]
    found = statistics.equivalence(ours, 6.61, 0.16, 5, MARGIN)
    upper = stats.ttest_ind_from_stats(
        np.mean(ours), np.std(ours, ddof=1), 4, 6.61 + MARGIN, 0.16, 5, False, "less"
    )
    lower = stats.ttest_ind_from_stats(
        np.mean(ours), np.std(ours, ddof=1), 4, 6.61 - MARGIN, 0.16, 5, False, "greater"
    )
    assert found.p == pytest.approx(max(upper.pvalue, lower.pvalue))
    assert found.effect == pytest.approx(0.04)
    assert sum(found.interval) / 2 == pytest.approx(0.04)
    assert found.n == (4, 5) and found.power > 0.9


def test_the_lowest_of_five():
    found = statistics.consistency_of_best([6.9, 6.5, 6.7, 6.6, 6.8], 6.43, 5, MARGIN)
    assert found.effect == pytest.approx(6.5 - 6.43)
    with pytest.raises(ValueError, match="Received: 4"):
        statistics.consistency_of_best([1, 2, 3, 4], 6.43, 5, MARGIN)
    every = [np.min(c) for c in ([1, 2], [1, 4], [2, 4])]
    found = statistics.consistency_of_best([4, 1, 2], 0.0, 2, MARGIN)
    assert found.effect == pytest.approx(np.mean(every))


def test_a_difference_beyond_the_margin_is_refuted():
    ours = [8.0, 8.1, 7.9, 8.05, 7.95]
    for found in (
        statistics.equivalence(ours, 6.61, 0.16, 5, MARGIN),
        statistics.consistency(ours, 6.61, MARGIN),
        statistics.equivalence_of_samples(ours, [6.5, 6.6, 6.7], MARGIN),
    ):
        assert found.p > 0.99 and found.p_against < ALPHA


def test_a_bound_by_hand():
    found = statistics.beyond([61.0, 62.0, 63.0], 60.0, higher=True, margin=2.0)
    half = 2.92 / math.sqrt(3)  # Student's t with 2 degrees of freedom, a standard deviation of 1.
    assert (found.n, found.effect) == ((3,), 62.0)
    assert found.interval == pytest.approx((62 - half, 62 + half), abs=1e-3)
    expected = stats.ttest_1samp([61.0, 62.0, 63.0], 60.0, alternative="greater").pvalue
    assert found.p == pytest.approx(expected) and found.p_against == pytest.approx(1 - expected)
    drawn = np.random.default_rng(0).normal(62, 1, (PAPERS, 3))
    supported = stats.ttest_1samp(drawn, 60.0, axis=1, alternative="greater").pvalue <= ALPHA
    assert found.power == pytest.approx(np.mean(supported), abs=0.02)
    lower = statistics.beyond([61.0, 62.0, 63.0], 60.0, higher=False, margin=2.0)
    assert (lower.p, lower.p_against) == pytest.approx((found.p_against, found.p))


def test_a_direction():
    worse, better = [9.0, 9.1, 9.2, 9.3], [8.0, 8.1, 8.2, 8.3]
    found = statistics.lower(better, worse, MARGIN)
    assert found.p == pytest.approx(1 / math.comb(8, 4))
    assert found.effect == 1 and found.interval[0] < 0.65 and found.interval[1] == 1
    assert found.p_against == 1 and 0.5 < found.power <= 1
    turned = statistics.lower(worse, better, MARGIN)
    assert (turned.p, turned.p_against) == (1, found.p)
    tied = statistics.lower([1.0, 1.0, 2.0], [1.0, 2.0, 2.0], MARGIN)
    assert 0.2 < tied.p < 0.8 and tied.effect == pytest.approx(6 / 9)


def test_a_trend():
    groups = [[8.7, 8.8, 8.6], [7.5, 7.6, 7.4], [7.2, 7.1, 7.3]]
    found = statistics.rising(groups[::-1], MARGIN)
    assert found.p < 0.01 and found.effect == 1 and found.p_against == pytest.approx(1)
    assert statistics.rising(groups, MARGIN).p_against < 0.01
    rng = np.random.default_rng(0)
    level = [statistics.rising(rng.normal(7, 1, (3, 3)), MARGIN).p <= ALPHA for _ in range(60)]
    assert np.mean(level) <= ALPHA + 3 * math.sqrt(ALPHA / 60)


@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize("true", [0.5, 0.76, 0.92])
def test_the_interval_of_a_direction_holds_the_truth(n, true):
    rng = np.random.default_rng(0)
    ours = rng.normal(0, 1, (2000, n))
    other = rng.normal(math.sqrt(2) * stats.norm.ppf(true), 1, (2000, n))
    shares = (ours[:, :, None] < other[:, None, :]).mean((1, 2))
    bounds = {share: statistics.interval_of_share(share, n, n) for share in set(shares)}
    held = [bounds[share][0] <= true <= bounds[share][1] for share in shares]
    assert np.mean(held) >= (0.89 if n == 3 else 0.93)


def test_one_large_step_is_no_trend():
    groups = [[value - 0.1, value, value + 0.1] for value in (8.7, 7.5, 7.2, 7.0, 8.1)]
    found = statistics.rising(groups[::-1], MARGIN)
    assert found.p < ALPHA and not found.in_order
    assert statistics.rising(groups[3::-1], MARGIN).in_order


def test_power_is_less_in_a_family():
    groups = [[8.0, 8.2, 8.4, 8.6, 8.8], [7.5, 7.7, 7.9, 8.1, 8.3]]
    for test in (statistics.rising, lambda g, *how: statistics.lower(*g, *how)):
        alone, of_five = (test(groups[::-1], MARGIN, level).power for level in (ALPHA, ALPHA / 5))
        assert 0 < of_five < alone


def test_a_trend_of_few_runs_tries_every_order():
    found = statistics.rising([[1.0, 2.0], [3.0, 4.0]], MARGIN)
    assert found.p == pytest.approx(1 / 6) and found.p_against == 1


def test_hundreds_of_seeds_fit_in_memory():
    rng = np.random.default_rng(0)
    groups = [rng.normal(7 + 0.2 * group, 1, 300) for group in range(3)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = [statistics.rising(groups, MARGIN), statistics.lower(groups[0], groups[2], MARGIN)]
    added = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert all(each.p < 0.001 < 0.5 < each.effect for each in found)
    assert added < 1e6  # KB


def test_holm_by_hand():
    assert statistics.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert statistics.holm([]) == []

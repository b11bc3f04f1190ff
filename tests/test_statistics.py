"""The tests behind the verdicts: calibrated, and as the books have them."""

import math
import resource

import numpy as np
import pytest
from scipy import stats

from benchmark.statistics import best, ranks, shares, student
from benchmark.statistics.finding import ALPHA, corrected
from benchmark.suite.claims import claim_of

SUITES = 10_000
AT_MOST = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / SUITES)
"""The level, and three standard errors of a share of so many made-up suites."""

MARGIN, SD = 0.5, 0.16
AGAINST = {"statement": "So.", "variant": "a", "against": "b"}
R20, R110 = "table6/ResNet-20/test_error_percent", "table6/ResNet-110/test_error_percent"
BEST = "table6/ResNet-110/best_test_error_percent"


def skewed(rng, shape):
    """Of mean 0 and standard deviation 1, with a long tail to the right."""
    return rng.exponential(size=shape) - 1


def normal(rng, shape):
    return rng.normal(size=shape)


@pytest.mark.parametrize("draw", [normal, skewed])
@pytest.mark.parametrize("n", [3, 5, 10])
def test_equal_variants_rarely_have_a_direction(draw, n):
    claim = claim_of(**AGAINST, direction="lower")
    rng = np.random.default_rng(n)
    p, against = claim.p_values([draw(rng, (SUITES, n)), draw(rng, (SUITES, n))])
    assert np.mean(p <= ALPHA) <= AT_MOST and np.mean(against <= ALPHA) <= AT_MOST


@pytest.mark.parametrize("equal", [0, 1, 2])
@pytest.mark.parametrize("draw", [normal, skewed])
def test_a_trend_with_one_step_that_is_none_is_rarely_reproduced(equal, draw):
    claim = claim_of(statement="So.", trend=["a", "b", "c", "d"], direction="higher")
    means = np.cumsum([0.0, *(0.0 if step == equal else 5.0 for step in range(3))])
    rng = np.random.default_rng(equal)
    values = [mean + draw(rng, (SUITES, 5)) for mean in means]
    p, against = claim.p_values(values)
    assert np.mean(p <= ALPHA) <= AT_MOST and np.mean(against <= ALPHA) <= AT_MOST
    in_order = np.all(np.diff([group.mean(-1) for group in values], axis=0) > 0, axis=0)
    assert np.mean(in_order) > 0.45  # To look at the means alone says yes in half of the cases.


@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize("side", [-1, 1])
def test_a_difference_on_the_margin_is_rarely_called_none(n, side):
    rng = np.random.default_rng(n)
    equal = claim_of(**AGAINST, direction="equal", margin=MARGIN)
    by = claim_of(**AGAINST, direction="higher", difference=2.0, margin=MARGIN)
    for claim, mean in ((equal, side * MARGIN), (by, 2.0 + side * MARGIN)):
        p, against = claim.p_values(
            [rng.normal(mean, SD, (SUITES, n)), rng.normal(0, SD / 3, (SUITES, n))]
        )
        assert np.mean(p <= ALPHA) <= AT_MOST + 0.01  # Welch's approximation, at unequal spreads.
        assert np.mean(against <= ALPHA) <= AT_MOST


@pytest.mark.parametrize(("n", "spread"), [(3, 0.05), (5, 0.16), (10, 0.05)])
@pytest.mark.parametrize("side", [-1, 1])
def test_one_published_run_is_a_draw_too(n, spread, side):
    claim = claim_of(statement="So.", variant="a", published=R20, margin=MARGIN)
    rng = np.random.default_rng(n)
    ours = rng.normal(claim.number.value + side * MARGIN, spread, (SUITES, n))
    p, against = claim.p_values([ours - rng.normal(0, spread, (SUITES, 1))])
    assert np.mean(p <= ALPHA) <= AT_MOST and np.mean(against <= ALPHA) <= AT_MOST


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize(("n", "spread"), [(5, 0.05), (5, 0.2), (10, 0.16)])
def test_a_best_on_the_margin_is_rarely_called_consistent(n, spread, side):
    claim = claim_of(
        statement="So.", variant="a", published=BEST, margin=MARGIN,
        metric="best_test_error_percent",
    )  # fmt: skip
    rng = np.random.default_rng(n)
    theirs = rng.normal(0, spread, (SUITES, 5)).min(-1, keepdims=True)
    ours = rng.normal(side * MARGIN, spread, (SUITES, n)) - theirs + claim.number.value
    p, against = claim.p_values([ours])
    assert np.mean(p <= ALPHA) <= AT_MOST and np.mean(against <= ALPHA) <= AT_MOST


@pytest.mark.parametrize("n", [3, 5])
def test_a_mean_on_the_bound_is_rarely_called_beyond_it(n):
    claim = claim_of(statement="So.", variant="a", bound=7.5, direction="higher")
    p, against = claim.p_values([np.random.default_rng(n).normal(7.5, SD, (SUITES, n))])
    assert np.mean(p <= ALPHA) <= AT_MOST and np.mean(against <= ALPHA) <= AT_MOST


@pytest.mark.parametrize("n", [5, 8, 20])
def test_a_share_at_the_claimed_one_is_rarely_called_more(n):
    claim = claim_of(statement="So.", variant="a", bound=60, share_percent=40, direction="higher")
    over = np.random.default_rng(n).random((SUITES, n)) < 0.4
    p, against = claim.p_values([np.where(over, 90.0, 20.0)])
    assert np.mean(p <= ALPHA) <= AT_MOST and np.mean(against <= ALPHA) <= AT_MOST


def test_a_whole_suite_is_wrong_in_a_twentieth_of_cases():
    """Of claims of which some are true and some are not, on either side."""
    claims = [
        *(claim_of(**AGAINST, direction=way) for way in ("lower", "higher") for _ in range(3)),
        claim_of(statement="So.", trend=["a", "b", "c"], direction="lower"),
    ]
    rng = np.random.default_rng(0)
    wrong = np.zeros(SUITES, bool)
    for claim in claims:
        # In truth the first variant is lower by a hundredth of the spread.
        means = [0.01 * number for number in range(len(claim.variants))]
        p, against = claim.p_values([rng.normal(mean, 1, (SUITES, 6)) for mean in means])
        is_true = claim.direction == "lower" and len(means) == 2
        wrong |= (against if is_true else p) * len(claims) <= ALPHA
    assert np.mean(wrong) <= AT_MOST
    assert np.mean(wrong) > ALPHA / 3  # The correction is not far more than what is needed.


def test_p_values_are_one_by_one_those_of_the_books():
    rng = np.random.default_rng(0)
    for n, m in ((3, 3), (4, 5), (7, 2), (10, 10)):
        first, second = rng.normal(size=n), rng.normal(0.5, 1, size=m)
        p, against = ranks.p_values(first, second)
        for way, value in (("less", p), ("greater", against)):
            book = stats.mannwhitneyu(first, second, alternative=way, method="exact").pvalue
            assert value == pytest.approx(book)
    ours = np.array([6.5, 6.7, 6.6, 6.8])
    claim = claim_of(statement="So.", variant="a", published=R110)
    sides = [
        stats.ttest_ind_from_stats(
            np.mean(ours), np.std(ours, ddof=1), 4, 6.61 + side * MARGIN, 0.16, 5, False, way
        ).pvalue
        for side, way in ((1, "less"), (-1, "greater"))
    ]
    p, against = claim.p_values([ours])
    assert p == pytest.approx(max(sides)) and against == pytest.approx(1)
    far = claim.p_values([ours + 2])[1]
    upper = stats.ttest_ind_from_stats(
        np.mean(ours + 2), np.std(ours, ddof=1), 4, 6.61 + MARGIN, 0.16, 5, False, "greater"
    )
    assert far == pytest.approx(2 * upper.pvalue)
    values = np.array([61.0, 62.0, 63.0])
    found = student.finding_beyond(values, 60.0, True, 2.0, ALPHA)
    assert found.p == pytest.approx(stats.ttest_1samp(values, 60, alternative="greater").pvalue)
    p, against = shares.p_values(4, 5, 0.4, more=True)
    for value, way in ((p, "greater"), (against, "less")):
        assert value == pytest.approx(stats.binomtest(4, 5, 0.4, alternative=way).pvalue)
    found = shares.finding(4, 5, 0.4, True, 0.9, 0.025)
    book = stats.binomtest(4, 5).proportion_ci(0.95, "exact")
    assert found.interval == pytest.approx((book.low, book.high))


def test_the_lowest_of_five():
    with pytest.raises(ValueError, match="Received: 4"):
        best.best(np.arange(4.0), 5)
    every = [np.min(choice) for choice in ([1, 2], [1, 4], [2, 4])]
    assert best.best(np.array([4.0, 1.0, 2.0]), 2) == pytest.approx(np.mean(every))


def test_a_direction_with_ties():
    tied = ranks.finding(np.array([1.0, 1.0, 2.0]), np.array([1.0, 2.0, 2.0]), MARGIN, ALPHA)
    assert 0.2 < tied.p < 0.8 and tied.effect == pytest.approx(6 / 9)
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 3, (2, 50, 4)).astype(float)
    assert ranks.share_below(first, second) == pytest.approx(
        [float(ranks.share_below(*pair)) for pair in zip(first, second, strict=True)]
    )


@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize("true", [0.5, 0.76, 0.92])
def test_the_interval_of_a_direction_holds_the_truth(n, true):
    rng = np.random.default_rng(0)
    ours = rng.normal(0, 1, (2000, n))
    other = rng.normal(math.sqrt(2) * stats.norm.ppf(true), 1, (2000, n))
    below = ranks.share_below(ours, other)
    bounds = {share: ranks.interval_of_share(float(share), n, n) for share in set(below)}
    held = [bounds[share][0] <= true <= bounds[share][1] for share in below]
    assert np.mean(held) >= (0.89 if n == 3 else 0.93)


@pytest.mark.parametrize("n", [3, 5])
def test_power_allows_for_what_is_not_known_of_the_spread(n):
    rng = np.random.default_rng(0)
    sd, margin = 0.2, 0.5 if n == 3 else 0.7
    truth = float(student.power_within(sd * math.sqrt(1 + 1 / n), n - 1, margin, ALPHA))
    ours = rng.normal(0, sd, (20_000, n)) - rng.normal(0, sd, (20_000, 1))
    se = ours.std(-1, ddof=1) * math.sqrt(1 + 1 / n)
    assert np.mean(student.within(ours.mean(-1), se, n - 1, margin)[0] <= ALPHA) == pytest.approx(
        truth, abs=0.015
    )
    # For a seen spread that is the true one: averaged over what the true one may be.
    spread = student.possible(sd, n - 1)
    assert np.median(spread) == pytest.approx(
        sd * math.sqrt((n - 1) / stats.chi2.median(n - 1)), rel=1e-3
    )
    found = student.finding_within("t", (n, 1), 0, sd * math.sqrt(1 + 1 / n), n - 1, margin, ALPHA)
    chances = student.power_within(spread * math.sqrt(1 + 1 / n), n - 1, margin, ALPHA)
    assert found.power == pytest.approx(np.mean(chances))
    assert 0 < found.power < 1


def test_power_is_less_in_a_family():
    groups = [np.array([8.0, 8.2, 8.4, 8.6, 8.8]), np.array([7.5, 7.7, 7.9, 8.1, 8.3])]
    alone, of_five = (
        ranks.finding(groups[1], groups[0], MARGIN, level).power for level in (ALPHA, ALPHA / 5)
    )
    assert 0 < of_five < alone < 1
    assert corrected(0.01, 5) == 0.05 and corrected(0.5, 5) == 1


def test_hundreds_of_seeds_fit_in_memory():
    rng = np.random.default_rng(0)
    first, second = rng.normal(7, 1, 300), rng.normal(7.5, 1, 300)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = ranks.finding(first, second, MARGIN, ALPHA)
    added = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert found.p < 0.001 < 0.5 < found.effect and found.power > 0.99
    book = stats.mannwhitneyu(first, second, alternative="less").pvalue
    assert found.p == pytest.approx(book, rel=1e-3)
    assert added < 1e6  # KB

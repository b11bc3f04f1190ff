"""Looking early, at a level that holds: on 10,000 made-up claims each."""

import math

import numpy as np
import pytest

from benchmark.statistics import ranks
from benchmark.statistics.sequential import (
    Design,
    Prior,
    added,
    bounds,
    expected,
    followed,
    followed_direction,
    p_values,
    spent,
)
from benchmark.suite.claims import Setting, claim_of

CLAIMS = 10_000
FIXED = Design((5,))
EXACT = [FIXED, Design((3, 4, 5)), Design((4, 5, 6), 0.05 / 8), Design((4, 6, 8, 10))]
PRIOR = Prior()
MODERATED = [
    Design((5,), prior=PRIOR),
    Design((2, 3, 5), prior=PRIOR),
    Design((2, 3, 5), 0.05 / 8, PRIOR),
]


def at_most(level):
    return level + 3 * math.sqrt(level * (1 - level) / CLAIMS)


def normal(rng, shape, sd=PRIOR.sd):
    return rng.normal(0, sd, shape)


def skewed(rng, shape):
    return PRIOR.sd * (rng.exponential(size=shape) - 1)


def twice(rng, shape):
    return normal(rng, shape, 2 * PRIOR.sd)


def at_two_places(rng, shape):
    return np.where(rng.random(shape) < 0.5, 20.0, 90.0) + normal(rng, shape)


def wrong(design, draw):
    """The share of claims on equal variants that are supported, and that are refuted."""
    rng = np.random.default_rng(2)
    shape = CLAIMS, design.looks[-1]
    course = followed_direction(draw(rng, shape), draw(rng, shape), design)
    return np.mean(course.decided == 1), np.mean(course.decided == -1)


@pytest.mark.parametrize("draw", [normal, skewed, twice, at_two_places])
@pytest.mark.parametrize("design", EXACT, ids=str)
def test_an_exact_design_holds_its_level_whatever_the_runs_are_like(design, draw):
    assert max(wrong(design, draw)) <= at_most(design.level)


@pytest.mark.parametrize("draw", [normal, skewed])
@pytest.mark.parametrize("design", MODERATED, ids=str)
def test_a_moderated_design_holds_its_level_where_its_prior_does(design, draw):
    assert max(wrong(design, draw)) <= at_most(design.level)


@pytest.mark.parametrize(("looks", "level"), [((5,), 0.09), ((2, 3, 5), 0.13)])
def test_by_how_much_a_moderated_design_suffers_from_twice_the_prior(looks, level):
    for share in wrong(Design(looks, prior=PRIOR), twice):
        assert share == pytest.approx(level, abs=0.01)
    assert min(wrong(Design((2, 3, 5), prior=PRIOR), at_two_places)) > 0.1


def test_looks_at_the_full_level_would_not_hold_it():
    rng = np.random.default_rng(0)
    first, second = normal(rng, (2, CLAIMS, 10))
    each = [ranks.p_values(first[:, :n], second[:, :n])[0] <= 0.05 for n in range(3, 11)]
    assert np.mean(np.any(each, axis=0)) > 0.11


def test_large_differences_take_half_of_the_runs():
    chance, runs = expected(Design((2, 3, 5), 0.05 / 8, PRIOR), 1.0, PRIOR.sd)
    assert chance > 0.99 and runs < 2.3
    chance, runs = expected(Design((3, 4, 5)), 1.0, PRIOR.sd)
    assert chance > 0.99 and runs < 4.1
    fixed, runs = expected(FIXED, 0.5, PRIOR.sd)
    assert runs == 5 and fixed > 0.9


def test_what_is_spent_comes_to_the_level():
    assert spent(0, 0.05) == 0 and spent(1, 0.05) == pytest.approx(0.05)
    assert bounds(FIXED) == (0.05,)
    assert bounds(Design((2, 3, 5)))[:2] == (0.0, 0.0)  # The exact test cannot decide there.


def test_the_first_look_that_decides_is_the_last():
    design = Design((2, 3, 5), prior=PRIOR)
    first = np.array([[8.0, 8.1, 9.9, 9.9, 9.9], [9.0, 9.1, 8.0, 8.0, 8.0], [8, 9, 8.5, 8.4, 8.6]])
    second = np.array([[9.0, 9.1, 8.0, 8.0, 8.0], [8.0, 8.1, 9.9, 9.9, 9.9], [9, 8, 8.5, 8.6, 8.4]])
    course = followed_direction(first, second, design)
    assert course.decided.tolist() == [1, -1, 0] and course.runs.tolist() == [2, 2, 5]


def test_a_moderated_test_of_many_runs_is_a_t_test():
    from scipy import stats

    rng = np.random.default_rng(0)
    first, second = rng.normal(0, 1, 2000), rng.normal(0.05, 1, 2000)
    p, against = p_values(first, second, PRIOR)
    book = stats.ttest_ind(first, second, alternative="less").pvalue
    assert p == pytest.approx(book, rel=0.05) and p + against == pytest.approx(1)


AGAINST = {"variant": "a", "against": "b", "direction": "lower"}
R20, R110 = "table6/ResNet-20/test_error_percent", "table6/ResNet-110/test_error_percent"


def edge(claim, rng, draw, most):
    """Runs of suites in which the claim is just not so, and of suites in which it just is."""
    margin, shape = claim.margin, (CLAIMS, most)
    kind = type(claim).__name__
    if kind in ("DirectionClaim", "TrendClaim"):  # A trend's last step is none, the others are.
        means = [-9.0 * min(step, len(claim.variants) - 2) for step in range(len(claim.variants))]
        return [mean + draw(rng, shape) for mean in means]
    if kind == "BoundClaim":
        return [claim.bound + draw(rng, shape)]
    if kind in ("ShareClaim", "DivergenceClaim"):
        such = rng.random(shape) < 0.4
        return [np.where(such, 90.0, 20.0) if kind == "ShareClaim" else such.astype(float)]
    apart = margin + draw(rng, shape)
    if kind == "PublishedClaim":
        spread = claim.number.sd / math.sqrt(5) if claim.number.sd else PRIOR.sd
        return [claim.number.value + apart - rng.normal(0, spread, (CLAIMS, 1))]
    return [claim.expected + apart, draw(rng, shape)]


@pytest.mark.parametrize("looks", [(3, 4, 5), (4, 6, 8, 10)])
@pytest.mark.parametrize("level", [0.05, 0.05 / 4])
@pytest.mark.parametrize(
    ("fields", "skewed_too"),
    [
        (AGAINST, True),
        (AGAINST | {"metric": "train_error_percent", "at": [10]}, True),
        (AGAINST | {"moderated": {"sd": PRIOR.sd, "df": PRIOR.df}}, True),
        (AGAINST | {"direction": "equal"}, False),
        (AGAINST | {"direction": "higher", "difference": 3.0}, False),
        ({"trend": ["a", "b", "c"], "direction": "lower"}, True),
        ({"variant": "a", "bound": 7.0, "direction": "higher"}, False),
        ({"variant": "a", "bound": 60, "share_percent": 40, "direction": "higher"}, True),
        ({"variant": "a", "diverge_percent": 40, "direction": "lower"}, True),
        ({"variant": "a", "published": R20}, False),
        ({"variant": "a", "published": R110}, False),
    ],
)
def test_looks_hold_the_level_of_every_kind_of_claim(fields, skewed_too, level, looks):
    """Means of few skewed runs do not: a t test of theirs fails at one look, too."""
    claim = claim_of(statement="So.", **fields)
    for draw in (normal, skewed) if skewed_too else (normal,):
        values = edge(claim, np.random.default_rng(3), draw, looks[-1])
        own = claim.bounds(looks, Setting(level))
        course = followed(values, looks, own, claim.p_values)
        assert np.mean(course.decided == 1) <= at_most(level)
        assert np.mean(course.decided == -1) <= at_most(level)


def test_looks_spend_most_of_the_level_where_it_can_be_known():
    share = claim_of(statement="s", variant="a", bound=60, share_percent=40, direction="higher")
    looks = (5, 10, 15, 20, 30)
    values = [np.where(np.random.default_rng(4).random((CLAIMS, 30)) < 0.4, 90.0, 20.0)]
    course = followed(values, looks, share.bounds(looks, Setting(0.05)), share.p_values)
    assert np.mean(course.decided == 1) > 0.03 and np.mean(course.decided == -1) > 0.03


def test_looks_at_pairs_are_added_up():
    claim = claim_of(statement="So.", **AGAINST)
    paired = claim.bounds((3, 5), Setting(0.05, (True,)))
    assert paired == [(bound, bound) for bound in added((3, 5), 0.05)]
    assert sum(bound for bound, _ in paired) == pytest.approx(0.05)
    assert claim.bounds((3, 5), Setting(0.05)) != paired


@pytest.mark.parametrize("looks", [(), (1, 3), (3, 2), (3, 3)])
def test_looks_that_do_not_rise_are_refused(looks):
    with pytest.raises(ValueError, match="Received"):
        Design(looks)

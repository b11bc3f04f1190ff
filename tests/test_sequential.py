"""Looking early, at a level that holds: on 10,000 made-up claims each."""

import math

import numpy as np
import pytest

from benchmark.statistics import ranks
from benchmark.statistics.sequential import (
    PRIOR_SD,
    Design,
    bounds,
    expected,
    followed,
    p_values,
    spent,
)

CLAIMS = 10_000
FIXED = Design((5,))
EXACT = [FIXED, Design((3, 4, 5)), Design((4, 5, 6), 0.05 / 8), Design((4, 6, 8, 10))]
MODERATED = [
    Design((5,), test="moderated"),
    Design((2, 3, 5), test="moderated"),
    Design((2, 3, 5), 0.05 / 8, "moderated"),
]


def at_most(level):
    return level + 3 * math.sqrt(level * (1 - level) / CLAIMS)


def normal(rng, shape, sd=PRIOR_SD):
    return rng.normal(0, sd, shape)


def skewed(rng, shape):
    return PRIOR_SD * (rng.exponential(size=shape) - 1)


def twice(rng, shape):
    return normal(rng, shape, 2 * PRIOR_SD)


def at_two_places(rng, shape):
    return np.where(rng.random(shape) < 0.5, 20.0, 90.0) + normal(rng, shape)


def wrong(design, draw):
    """The share of claims on equal variants that are supported, and that are refuted."""
    rng = np.random.default_rng(2)
    shape = CLAIMS, design.looks[-1]
    course = followed(draw(rng, shape), draw(rng, shape), design)
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
    for share in wrong(Design(looks, test="moderated"), twice):
        assert share == pytest.approx(level, abs=0.01)
    assert min(wrong(Design((2, 3, 5), test="moderated"), at_two_places)) > 0.1


def test_looks_at_the_full_level_would_not_hold_it():
    rng = np.random.default_rng(0)
    first, second = normal(rng, (2, CLAIMS, 10))
    each = [ranks.p_values(first[:, :n], second[:, :n])[0] <= 0.05 for n in range(3, 11)]
    assert np.mean(np.any(each, axis=0)) > 0.11


def test_large_differences_take_half_of_the_runs():
    chance, runs = expected(Design((2, 3, 5), 0.05 / 8, "moderated"), 1.0, PRIOR_SD)
    assert chance > 0.99 and runs < 2.3
    chance, runs = expected(Design((3, 4, 5)), 1.0, PRIOR_SD)
    assert chance > 0.99 and runs < 4.1
    fixed, runs = expected(FIXED, 0.5, PRIOR_SD)
    assert runs == 5 and fixed > 0.9


def test_what_is_spent_comes_to_the_level():
    assert spent(0, 0.05) == 0 and spent(1, 0.05) == pytest.approx(0.05)
    (only,) = bounds(FIXED)
    assert only <= 0.05 < 0.075  # The next that five runs a side can have.
    assert bounds(Design((2, 3, 5)))[:2] == (0.0, 0.0)  # The exact test cannot decide there.


def test_the_first_look_that_decides_is_the_last():
    design = Design((2, 3, 5), test="moderated")
    first = np.array([[8.0, 8.1, 9.9, 9.9, 9.9], [9.0, 9.1, 8.0, 8.0, 8.0], [8, 9, 8.5, 8.4, 8.6]])
    second = np.array([[9.0, 9.1, 8.0, 8.0, 8.0], [8.0, 8.1, 9.9, 9.9, 9.9], [9, 8, 8.5, 8.6, 8.4]])
    course = followed(first, second, design)
    assert course.decided.tolist() == [1, -1, 0] and course.runs.tolist() == [2, 2, 5]


def test_a_moderated_test_of_many_runs_is_a_t_test():
    from scipy import stats

    rng = np.random.default_rng(0)
    first, second = rng.normal(0, 1, 2000), rng.normal(0.05, 1, 2000)
    p, against = p_values(first, second, "moderated")
    book = stats.ttest_ind(first, second, alternative="less").pvalue
    assert p == pytest.approx(book, rel=0.05) and p + against == pytest.approx(1)


@pytest.mark.parametrize("looks", [(), (1, 3), (3, 2), (3, 3)])
def test_looks_that_do_not_rise_are_refused(looks):
    with pytest.raises(ValueError, match="Received"):
        Design(looks)

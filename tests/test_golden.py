"""Golden runs: other bits under the same number of the recipe fail here.

Digests are known by class of processor and by version of TensorFlow, Keras and NumPy. Elsewhere
the losses are held to a tolerance, so that these tests can always fail. ``golden_runs.py`` says
how they are recorded.
"""

import copy
import json

import pytest
from golden_runs import GOLDEN, PROCESSES, RUNS, TOLERANCE, machine, problem, train_all

from benchmark.spec.recipe import RECIPE

KNOWN = json.loads(GOLDEN.read_text())
LEAST = min(TOLERANCE.values())


@pytest.fixture(scope="module")
def runs():
    return train_all()


@pytest.mark.parametrize("name", RUNS)
def test_bits_are_those_that_were_recorded(runs, name):
    found = problem(name, KNOWN[name], runs[name], machine())
    assert found is None, found


def test_each_part_of_the_recipe_has_a_run():
    assert {*RUNS} == {*KNOWN} == {name for names in PROCESSES for name in names}
    assert {part for run in KNOWN.values() for part in run["recipe"]} == {*RECIPE}


@pytest.fixture
def recorded():
    run = copy.deepcopy(KNOWN["cifar float32"])
    return run | {"weights_sha256": {"here": "0" * 64}}


def made(recorded, factor=1.0, **changes):
    losses = {name: loss * factor for name, loss in recorded["losses"].items()}
    return recorded | {"losses": losses, "weights_sha256": "0" * 64} | changes


def test_what_was_recorded_passes(recorded):
    assert problem("cifar float32", recorded, made(recorded), "here") is None
    assert problem("cifar float32", recorded, made(recorded), "elsewhere") is None


def test_other_bits_fail_where_they_are_known(recorded):
    run = made(recorded, weights_sha256="1" * 64)
    assert "recipe.py" in problem("cifar float32", recorded, run, "here")
    assert problem("cifar float32", recorded, run, "elsewhere") is None


@pytest.mark.parametrize("factor", [1 + 2 * LEAST, 1 - 2 * LEAST, float("nan")])
@pytest.mark.parametrize("here", ["here", "elsewhere"])
def test_other_losses_fail_everywhere(recorded, factor, here):
    assert "recipe.py" in problem("cifar float32", recorded, made(recorded, factor), here)


def test_a_loss_that_is_no_longer_told_fails(recorded):
    run = made(recorded, losses={"train_loss": recorded["losses"]["train_loss"]})
    assert problem("cifar float32", recorded, run, "elsewhere")


def test_a_raised_number_is_to_be_recorded(recorded):
    run = made(recorded, recipe={"training": 2})
    assert "--record" in problem("cifar float32", recorded, run, "elsewhere")

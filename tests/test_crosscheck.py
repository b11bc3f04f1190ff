"""The same step in two frameworks."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import bench_alone

from benchmark.proof.crosscheck.case import Given, Trace, spec_of
from benchmark.proof.crosscheck.compare import (
    NORM_TOLERANCE,
    ROUNDING,
    by_iteration,
    by_layer,
    norm_tolerance,
    problems,
)


@pytest.fixture
def trace():
    rng = np.random.default_rng(0)
    return Trace(
        layers=np.array(["stem_conv", "classifier"]),
        losses=np.array([2.5, 2.25]),
        errors=np.array([120, 100]),
        norms=np.array([[2.0, 4.0], [1.0, 3.0]]),
        weights=rng.normal(size=(3, 50)).astype(np.float32),
    )


def test_what_is_the_same_agrees(trace):
    assert problems(trace, trace) == []
    assert norm_tolerance(trace, trace) == NORM_TOLERANCE


@pytest.mark.parametrize(
    ("field", "factor"), [("losses", 1 + 1e-4), ("norms", 1.02), ("weights", 1.001)]
)
def test_what_differs_by_more_than_rounding_is_named(trace, field, factor):
    other = replace(trace, **{field: getattr(trace, field) * factor})
    assert problems(trace, other)
    assert not np.array_equal(getattr(trace, field), getattr(other, field))


def test_errors_may_differ_by_one_image(trace):
    assert problems(trace, replace(trace, errors=trace.errors + 1)) == []
    assert len(problems(trace, replace(trace, errors=trace.errors + 2))) == 1


def test_norms_may_be_off_by_some_times_what_rounding_makes_of_them(trace):
    again = replace(trace, norms=trace.norms * np.array([1.008, 1.0]))
    allowed = norm_tolerance(trace, again)
    assert allowed == pytest.approx(ROUNDING * 0.008)
    within = replace(trace, norms=trace.norms * np.array([1.03, 1.0]))
    beyond = replace(trace, norms=trace.norms * np.array([1.0, 1.05]))
    assert problems(trace, within, allowed) == []
    (problem,) = problems(trace, beyond, allowed)
    assert problem.startswith("classifier")


def test_drift_is_told_by_how_far_the_weights_have_come(trace):
    other = replace(trace, weights=trace.weights.copy())
    other.weights[2] += 2 * (trace.weights[2] - trace.weights[0])
    table = by_iteration(trace, {"jax": other})
    assert list(table["weights_apart_jax"]) == pytest.approx([0, 2])
    assert list(by_layer(trace, {"jax": other})["off_jax"]) == [0, 0]


def test_files_hold_all_of_it(trace, tmp_path):
    trace.write(tmp_path / "trace.npz")
    read = Trace.read(tmp_path / "trace.npz")
    assert all(np.array_equal(getattr(read, name), each) for name, each in vars(trace).items())
    given = Given(
        np.zeros((1, 2, 4, 4, 3), np.float32),
        np.zeros((1, 2), np.int32),
        np.ones(1, np.float32),
        {"stem_conv/kernel": np.ones(3, np.float32)},
    )
    given.write(tmp_path / "given.npz")
    assert list(Given.read(tmp_path / "given.npz").weights) == ["stem_conv/kernel"]


def test_what_is_trained_is_the_papers_on_real_images():
    spec = spec_of("resnet8-A", 3, 16)
    assert spec.dataset.name == "cifar10-subset" and spec.schedule.learning_rate == 0.1
    assert spec.numerics.precision == "float32"


def test_an_unknown_net_is_refused():
    done = bench_alone("prove", "crosscheck", "--net", "resnet19-A")
    assert done.returncode == 2 and "resnet19-A" in done.stderr


def test_crosscheck_in_jax_agrees_before_the_first_step(tmp_path):
    pytest.importorskip("jax", reason="needs the extra jax (tox -e peers)")
    options = ["--net", "resnet8-A", "--iterations", "3", "--batch", "32"]
    done = bench_alone("prove", "crosscheck", *options, "--results", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    text = (tmp_path / "crosscheck" / "crosscheck.md").read_text()
    assert "They agree before the first step." in text
    assert len((tmp_path / "crosscheck" / "resnet8-A.csv").read_text().splitlines()) == 4

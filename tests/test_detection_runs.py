"""Whole runs of a detector, on a few small canvases that CIFAR images are pasted on."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmark.data import sources
from benchmark.evaluation.boxes.average_precision import average_precisions
from benchmark.evaluation.boxes.detections import from_json
from benchmark.records.detection_images import load_shown
from benchmark.records.store import Store
from benchmark.reproduction.replay import Recorded, replay, scratch
from benchmark.scheduling.attempt import train_run
from benchmark.spec import RunSpec
from benchmark.suite import Cell
from benchmark.training import loop
from benchmark.training.detection import PARTS, Detection
from benchmark.training.replicas import Replicas


def tiny_spec(**changes):
    """Two epochs of three steps on six canvases."""
    data = {
        "dataset": {
            "name": "pasted-cifar",
            "pasted": {
                "side": 64,
                "train_canvases": 6,
                "test_canvases": 3,
                "max_scale": 1.0,
                "max_objects": 2,
            },
        },
        "model": {
            "stem": "cifar",
            "block": "basic",
            "stage_blocks": [1, 1],
            "stage_widths": [8, 16],
            "shortcut": "A",
        },
        "detector": {
            "batch_norm": "trained",
            "anchors": {"scales": [28], "ratios": [1]},
            "rpn": {"channels": 8, "batch": 32},
            "proposals": {
                "train_before_nms": 60,
                "train_count": 20,
                "test_before_nms": 60,
                "test_count": 10,
            },
            "regions": {"size": 4, "batch": 8},
        },
        "optimizer": {"batch_size": 2},
        "schedule": {"iterations": 6, "learning_rate": 0.01},
        "seed": 1,
    }
    return RunSpec.model_validate(data | changes)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A run that its own process trained, and its folder."""
    spec = tiny_spec()
    cell = Cell("tiny", spec.seed, spec)
    folder = Store(tmp_path_factory.mktemp("results")).run(cell)
    status, reason = train_run(cell, folder)
    assert status == "finished", reason
    return spec, folder


def rows_of(events):
    """Those of epochs, but for times."""
    timings = ("time", "images_per_s")
    return [
        {key: value for key, value in event.items() if not any(t in key for t in timings)}
        for event in events
        if event["event"] == "epoch"
    ]


def trained(spec, **how):
    """Train in this process. Returns how it ended, and the epochs' rows."""
    events = []
    keras.utils.set_random_seed(spec.seed)
    result = loop.train(spec, sources.load(spec.dataset), events.append, **how)
    return result, rows_of(events)


def test_a_replay_has_the_same_bits(ran):
    spec, folder = ran
    with scratch() as store:
        again = replay(Recorded(spec, folder.events(), folder.provenance()), store, [])
    assert again.identical and again.curves.epochs == 2, again


def test_a_run_has_losses_by_part_and_precisions(ran):
    rows = rows_of(ran[1].events())
    assert [row["iteration"] for row in rows] == [3, 6]
    for row in rows:
        parts = sum(row[f"train_{part}_loss"] for part in PARTS)
        assert row["train_loss"] == pytest.approx(parts, rel=1e-5)
        assert 0 <= row["test_ap_percent"] <= row["test_ap50_percent"] <= 100
        assert not any("error" in key for key in row)
    assert rows[1]["train_loss"] < rows[0]["train_loss"]


def test_saved_detections_are_scored_again_without_the_net(ran):
    spec, folder = ran
    found = from_json(folder.detections.read_text("utf-8"))
    images = sources.load(spec.dataset)
    again = average_precisions(images.truths["test"], found, images.category_ids)
    (*_, last) = rows_of(folder.events())
    assert again == {name: last[f"test_{name}"] for name in again}
    shown = load_shown(folder)
    assert shown.ids == images.truths["test"].ids.tolist()
    assert all(image.shape == (64, 64, 3) for image in shown.images)


def test_a_resumed_run_ends_as_one_that_was_not_stopped():
    spec = tiny_spec()
    kept = []
    whole, rows = trained(spec)
    stops = iter([False] * 4 + [True])
    stopped, _ = trained(spec, keep=kept.append, stop=lambda: next(stops))
    assert stopped.status == "interrupted"
    assert [state.counters["iteration"] for state in kept] == [3, 4]
    for state in kept:
        resumed, rest = trained(spec, resume=state)
        assert rest == rows[1:]
        for one, other in zip(
            whole.task.model.get_weights(), resumed.task.model.get_weights(), strict=True
        ):
            np.testing.assert_array_equal(one, other)


IN_A_PROCESS = """
import json, sys
from benchmark.data import sources
from benchmark.spec import RunSpec
from benchmark.training import loop, process

spec, events = RunSpec.model_validate_json(sys.argv[1]), []
process.configure(spec.numerics, spec.seed)
loop.train(spec, sources.load(spec.dataset), events.append)
print(json.dumps(events))
"""


def test_two_replicas_take_half_a_batch_each():
    """On two logical devices, against the mean loss of the two halves of the first batch."""
    spec = tiny_spec(schedule={"iterations": 1, "drops": []}, numerics={"replicas": 2})
    done = subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS, spec.model_dump_json()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (row,) = rows_of(json.loads(done.stdout.splitlines()[-1]))
    keras.utils.set_random_seed(spec.seed)
    task = Detection(spec, sources.load(spec.dataset), None, Replicas(1))
    inputs = [each[0] for each in task.train_inputs(spec.seed, 2, 0, 1)]
    halves = [task.objective(0, *(each[half : half + 1] for each in inputs)) for half in (0, 1)]
    losses, counted = zip(*halves, strict=True)
    assert row["train_loss"] == pytest.approx(float(tf.reduce_mean(losses)), rel=1e-4)
    for part in PARTS:
        mean = float(counted[0][part] + counted[1][part]) / 2
        assert row[f"train_{part}_loss"] == pytest.approx(mean, rel=1e-3, abs=1e-5)

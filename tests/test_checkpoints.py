"""Checkpoints are whole or refused, and a run that goes on from one gives the same bits."""

import json
import random

import keras
import numpy as np
import pytest
from test_training import tiny_spec, trained, trained_once

from benchmark.records.checkpoint import KEPT, Checkpoints
from benchmark.records.problems import DiskFullError
from benchmark.training import loop

ARRAYS = {
    "model/conv/kernel": np.arange(6000, dtype=np.float32).reshape(3, 2000),
    "velocity/conv/kernel": np.full((3, 4), -0.0, np.float32),
    "loss_scale/good_steps": np.array(7, np.int32),
}


FILES = ["arrays.safetensors", "counters.json", "curves.json", "manifest.json"]
CURVES = [{"event": "epoch", "epoch": 1, "train_loss": 0.1 + 0.2, "time": 1.5}]


@pytest.fixture(autouse=True)
def float32_policy():
    yield
    keras.config.set_dtype_policy("float32")


def counters(iteration, loss=0.1 + 0.2):
    layers = {"stem_conv": 1.0, "block2": 2.0, "block10": 3.0}
    return {"iteration": iteration, "epoch": 1, "totals": {"loss": loss, "layers": layers}}


def ignore(why):
    pass


def test_what_is_saved_comes_back_bit_for_bit(tmp_path):
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    checkpoints.save(counters(5), ARRAYS, CURVES)
    found = checkpoints.newest(pytest.fail)
    assert json.dumps(found.counters) == json.dumps(counters(5))  # In the same order.
    assert found.curves == CURVES
    assert found.arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found.arrays[name].dtype == array.dtype and found.arrays[name].shape == array.shape
        assert found.arrays[name].tobytes() == array.tobytes()


def test_the_last_two_are_kept_and_the_newest_is_used(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for iteration in (9, 10, 11, 100_000):
        checkpoints.save(counters(iteration), ARRAYS, CURVES)
    assert len(list(tmp_path.iterdir())) == KEPT == 2
    assert checkpoints.newest(pytest.fail).counters["iteration"] == 100_000
    checkpoints.save(
        counters(100_000), ARRAYS, CURVES
    )  # Once more, after a resume: nothing is lost.
    assert len(list(tmp_path.iterdir())) == 2
    checkpoints.clear()
    assert checkpoints.newest(pytest.fail) is None


@pytest.fixture
def two(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    names = [checkpoints.save(counters(i), ARRAYS, CURVES) for i in (1, 2)]
    return checkpoints, tmp_path / names[1]


def uses_the_one_before(checkpoints):
    refused = []
    found = checkpoints.newest(refused.append)
    assert found.counters["iteration"] == 1
    assert len(refused) == 1 and "not whole" in refused[0]


@pytest.mark.parametrize("file", FILES)
def test_any_flipped_bit_is_seen(two, file):
    checkpoints, newest = two
    whole = (newest / file).read_bytes()
    rng = random.Random(file)
    for _ in range(150):
        place = rng.randrange(8 * len(whole))
        broken = bytearray(whole)
        broken[place // 8] ^= 1 << place % 8
        (newest / file).write_bytes(broken)
        uses_the_one_before(checkpoints)
    (newest / file).write_bytes(whole)
    assert checkpoints.newest(pytest.fail).counters["iteration"] == 2


@pytest.mark.parametrize("file", FILES)
def test_any_truncation_and_absence_is_seen(two, file):
    checkpoints, newest = two
    whole = (newest / file).read_bytes()
    for length in {*range(0, len(whole), 1024), len(whole) - 1}:
        (newest / file).write_bytes(whole[:length])
        uses_the_one_before(checkpoints)
    (newest / file).unlink()
    uses_the_one_before(checkpoints)


def test_what_was_refused_pushes_out_none_that_is_whole(two):
    checkpoints, newest = two
    (newest / "curves.json").write_text("[]")
    used = checkpoints.newest(lambda why: None)
    checkpoints.delete_newer(used)
    checkpoints.save(counters(2), ARRAYS, CURVES)
    assert used.name in {path.name for path in checkpoints.folder.iterdir()}
    uses = checkpoints.newest(pytest.fail)
    assert uses.counters["iteration"] == 2


def test_a_half_written_folder_is_no_checkpoint(two):
    checkpoints, newest = two
    newest.rename(newest.with_name(f".aside-{newest.name}"))
    assert checkpoints.newest(pytest.fail).counters["iteration"] == 1
    checkpoints.save(counters(3), ARRAYS, CURVES)
    assert not list(checkpoints.folder.glob(".aside-*"))


@pytest.mark.parametrize("fails", ["open", "rename"])
def test_a_disk_that_is_full_leaves_the_last_one(two, monkeypatch, fails):
    checkpoints, newest = two

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"pathlib.Path.{fails}", full)
    with pytest.raises(DiskFullError, match="No space left"):
        checkpoints.save(counters(3), ARRAYS, CURVES)
    monkeypatch.undo()
    assert checkpoints.newest(pytest.fail).name == newest.name
    assert not list(checkpoints.folder.glob(".aside-*"))


WARMUP = {"learning_rate": 0.01, "until_train_error_percent": 88.0, "window_iterations": 7}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"schedule": {"iterations": 35, "drops": [20], "warmup": WARMUP}},
        {"model": {"dropout_rate": 0.5}},
        {
            "numerics": {"precision": "mixed_float16", "loss_scale": 2.0**26},
            "optimizer": {"batch_size": 20},
        },
        {"optimizer": {"batch_size": 102, "momentum_form": "torch", "nesterov": True}},
    ],
    ids=["plain", "warmup", "dropout", "float16", "torch-nesterov"],
)
@pytest.mark.parametrize("calls", [1, 3])
def test_a_run_that_is_stopped_and_goes_on_gives_the_same_bits(embedded, changes, calls):
    """Stopped after ``calls`` calls of the step: within the first epoch, or beyond it."""
    base = {
        "dataset": {"train_per_class": 160},  # 15.7 iterations an epoch.
        "optimizer": {"batch_size": 102},
        "schedule": {"iterations": 35},
    }
    spec = tiny_spec(**{**base, **changes})
    whole, uninterrupted = trained_once(spec, embedded)

    kept, count = [], iter(range(100))
    first, begun = trained(spec, embedded, keep=kept.append, stop=lambda: next(count) >= calls)
    assert first.status == "interrupted"
    last, rest = trained(spec, embedded, resume=kept[-1])
    assert last.status == whole.status == "finished"

    def rows(*runs):
        return [e for run in runs for e in run if e["event"] == "epoch"]

    done = kept[-1].counters["epoch"]
    assert rows(begun)[:done] + rows(rest) == rows(uninterrupted)
    assert rest[-1] == uninterrupted[-1]  # With the digest of the final weights.
    assert rest[0] == uninterrupted[0]  # With that of the initial ones.


def test_the_state_of_another_net_is_refused(embedded):
    kept = []
    trained(tiny_spec(schedule={"iterations": 2}), embedded, keep=kept.append, stop=lambda: True)
    other = tiny_spec(model={"stage_widths": [4, 6]}, schedule={"iterations": 2})
    with pytest.raises(ValueError, match="must fit the run's net"):
        trained(other, embedded, resume=kept[-1])
    assert loop.KEEP_EVERY_S > 0


def test_the_state_is_kept_within_a_long_epoch(embedded, monkeypatch):
    monkeypatch.setattr(loop, "KEEP_EVERY_S", 0.0)
    kept = []
    spec = tiny_spec(schedule={"iterations": 30})
    trained(spec, embedded, keep=kept.append)
    iterations = [state.counters["iteration"] for state in kept]
    assert iterations == sorted({*iterations}) and {0, 10, 20} <= {*iterations} < {*range(30)}

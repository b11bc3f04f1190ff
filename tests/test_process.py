"""What a process sets before TensorFlow starts, with GPUs that are made up."""

from functools import partial

import pytest
import tensorflow as tf
from tensorflow.python.framework import config

from benchmark.spec import NumericsSpec
from benchmark.training import process


@pytest.fixture
def told(monkeypatch):
    """What would be told to TensorFlow of two GPUs."""
    found = []
    gpus = ["first", "second"]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)
    monkeypatch.setattr(
        tf.config.experimental, "set_memory_growth", lambda gpu, on: found.append((gpu, on))
    )
    monkeypatch.setattr(
        tf.config,
        "set_logical_device_configuration",
        lambda gpu, parts: found.append((gpu, *(part.memory_limit for part in parts))),
    )
    yield found
    config.disable_op_determinism()
    tf.config.experimental.enable_tensor_float_32_execution(True)


def test_scoring_takes_what_it_needs_and_is_deterministic(told):
    tf.config.experimental.enable_tensor_float_32_execution(True)
    process.configure_scoring()
    assert told == [("first", True), ("second", True)]
    assert config.is_op_determinism_enabled()
    assert not tf.config.experimental.tensor_float_32_execution_enabled()


def test_runs_that_share_a_gpu_have_a_fixed_part_of_its_memory(told, monkeypatch):
    for threads in ("intra", "inter"):
        name = f"set_{threads}_op_parallelism_threads"
        monkeypatch.setattr(tf.config.threading, name, lambda count: None)
    process.configure(NumericsSpec(), 0, 4096)
    assert told == [("first", 4096), ("second", 4096)]


@pytest.mark.parametrize(("replicas", "at_once"), [(1, 2), (8, 8)])
def test_with_gpus_the_host_s_cores_feed_them(told, monkeypatch, replicas, at_once):
    counts = {}
    for threads in ("intra", "inter"):
        name = f"set_{threads}_op_parallelism_threads"
        monkeypatch.setattr(tf.config.threading, name, partial(counts.__setitem__, threads))
    process.configure(NumericsSpec(replicas=replicas, threads=1), 0)
    assert counts == {"intra": 0, "inter": at_once}  # 0 is as many as there are cores.


def test_without_a_gpu_there_is_no_peak():
    if tf.config.list_logical_devices("GPU"):
        pytest.skip("there is a GPU")
    assert process.peak_gpu_memory_mib() is None

"""The first weights are drawn on the CPU, whatever device they are for."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_detection_net import net_of
from test_detection_net import spec_of as detector_of
from test_training import tiny_spec

from benchmark.models.build import build_model
from benchmark.models.initializers import OnCpu
from benchmark.spec import VggSpec


@pytest.mark.parametrize("kind", ["he_normal", "glorot_uniform"])
def test_on_a_gpu_they_are_drawn_on_the_cpu(kind):
    with tf.Graph().as_default(), tf.device("/GPU:0"):
        usual, ours = keras.initializers.get(kind)((3, 3)), OnCpu(kind)((3, 3))
    assert usual.device.endswith("GPU:0")
    assert ours.device.endswith("CPU:0")


def test_the_numbers_are_the_other_one_s():
    inner = keras.initializers.HeNormal(seed=3)
    ours = OnCpu(keras.initializers.HeNormal(seed=3))
    again = OnCpu.from_config(ours.get_config())
    for each in (ours, again):
        np.testing.assert_array_equal(each((4, 5)), inner((4, 5)))


def nets():
    for changes in (
        {},
        {
            "initializer": "gaussian",
            "initializer_stddev": 0.01,
            "classifier_initializer": "torch-uniform",
        },
    ):
        stages = {"stage_blocks": [1, 1, 1], "stage_widths": [4, 8, 16]}
        yield build_model(tiny_spec(model=stages | changes).model, (32, 32, 3), 10)
    detector = net_of(detector_of())
    yield from (detector.shared, detector.regions, detector.rpn, detector.siblings)
    yield build_model(VggSpec(family="vgg", depth=16), (224, 224, 3), 10)


def test_each_layer_of_each_net_draws_so():
    found = 0
    for net in nets():
        for layer in net.layers:
            kernel = getattr(layer, "kernel_initializer", None)
            if layer.name.startswith("block"):  # VGG's, which are always loaded.
                continue
            assert kernel is None or isinstance(kernel, OnCpu), layer.name
            found += kernel is not None
    assert found > 30

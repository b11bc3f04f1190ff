"""What each traced step would do on a GPU: each operation has a kernel there, none raises under
determinism, and the host waits for nothing that it need not know."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from gpu_operations import (
    NOT_DETERMINISTIC_BY_XLA,
    Crossing,
    crossings,
    gpu_kernels,
    nodes,
    raising,
    sums_of_many,
    without_gpu_kernel,
)
from tensorflow.python.framework import config
from test_detection_net import NORMALIZATION, net_of
from test_detection_net import spec_of as detector_of
from test_training import tiny_spec

from benchmark.data import resident
from benchmark.data.normalization import Normalization
from benchmark.data.resident import ResidentImages
from benchmark.detection import predict
from benchmark.detection.joint_loss import images
from benchmark.detection.pyramid import Level
from benchmark.evaluation.views.multi import score_of
from benchmark.evaluation.views.single import batch_scorer
from benchmark.models.build import build_model
from benchmark.models.folding import inference_model
from benchmark.spec import ResNetSpec
from benchmark.training.classification import CrossEntropy
from benchmark.training.detection import JointLoss
from benchmark.training.loss_scale import LossScale
from benchmark.training.optimizers.sgd import Momentum
from benchmark.training.replicas import Replicas
from benchmark.training.step import TrainingSteps

PRECISIONS = ["float32", "mixed_bfloat16", "mixed_float16"]


@pytest.fixture(autouse=True)
def as_on_a_gpu(monkeypatch):
    """The images are a variable, as there, and determinism is on, which changes what is traced."""
    monkeypatch.setattr(resident, "_there_is_a_gpu", lambda: True)
    if not gpu_kernels("Conv2D"):
        pytest.skip("this TensorFlow was built without GPU kernels")
    keras.utils.set_random_seed(0)
    tf.config.experimental.enable_op_determinism()
    yield
    config.disable_op_determinism()
    keras.config.set_dtype_policy("float32")


def steps_of(spec, objective, model, inputs):
    optimizer = Momentum(spec.optimizer, model.trainable_weights)
    scale = LossScale(spec.numerics.loss_scale)
    called = TrainingSteps(objective, optimizer, scale, Replicas(1), xla=False)
    return called.concrete(*inputs)


def check(traced, *, waited_for=()):
    assert without_gpu_kernel(traced) == set()
    assert raising(traced) == set()
    assert crossings(traced) == set(waited_for)
    assert sums_of_many(traced) == set()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    ("model", "dataset"),
    [
        ({"shortcut": "A"}, {}),
        ({"shortcut": "B", "dropout_rate": 0.2}, {"padding": "black"}),
        ({"shortcut": "A", "zero_pad": "both", "subsampling": "mean"}, {"augmentation": "none"}),
    ],
)
def test_a_step_of_a_classifier(embedded, precision, model, dataset):
    spec = tiny_spec(model=model, dataset=dataset, numerics={"precision": precision})
    keras.config.set_dtype_policy(precision)
    data = ResidentImages(spec.dataset, embedded)
    model = build_model(spec.model, (32, 32, 3), 10)
    inputs = data.train_inputs(0, spec.optimizer.batch_size, 0, 0)
    traced = steps_of(spec, CrossEntropy(model, [data]), model, inputs)
    assert len(list(nodes(traced))) > 300
    # The host keeps the state that dropout's masks are drawn from.
    state = Crossing("Cast", "StatelessRandomGetKeyCounter", "DT_INT32")
    check(traced, waited_for=[state] if spec.model.dropout_rate else [])
    assert not NOT_DETERMINISTIC_BY_XLA & {node.op for node in nodes(traced)}


def test_a_step_with_an_operation_that_raises_would_fail(embedded):
    """The same checks, of the same step with one operation more."""
    spec = tiny_spec()
    data = ResidentImages(spec.dataset, embedded)
    model = build_model(spec.model, (32, 32, 3), 10)

    class Contrasted(CrossEntropy):
        def __call__(self, replica, *inputs):
            loss, counted = super().__call__(replica, *inputs)
            images, _ = data.train_batch(*inputs)
            return loss + tf.reduce_mean(tf.image.adjust_contrast(images, 2.0)), counted

    inputs = data.train_inputs(0, spec.optimizer.batch_size, 0, 0)
    traced = steps_of(spec, Contrasted(model, [data]), model, inputs)
    assert raising(traced) == {"AdjustContrastv2"}
    with pytest.raises(AssertionError):
        check(traced)


class Photographs:
    """What a step of photographs has in its graph: see ``StreamedImages``."""

    from benchmark.data.photographs.stream import StreamedImages

    normalization = Normalization(np.full(3, 118, np.float32), np.full(3, 1 / 64, np.float32))
    train_batch = StreamedImages.train_batch
    scored_batch = StreamedImages.scored_batch


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_step_on_photographs(precision):
    spec = tiny_spec(numerics={"precision": precision})
    keras.config.set_dtype_policy(precision)
    net = {"stem": "imagenet", "block": "bottleneck", "stage_blocks": [1, 1]}
    net = ResNetSpec.model_validate(net | {"stage_widths": [4, 8], "shortcut": "B"})
    model = build_model(net, (64, 64, 3), 1000)
    inputs = (
        tf.zeros((0, 4, 64, 64, 3), tf.uint8),
        tf.zeros((0, 4, 3)),
        tf.zeros((0, 4), tf.int32),
    )
    traced = steps_of(spec, CrossEntropy(model, [Photographs()]), model, inputs)
    check(traced)


@pytest.mark.parametrize(
    ("precision", "pooling", "fixed"),
    [  # Each pair of values once.
        ("float32", "align", True),
        ("float32", "max", False),
        ("mixed_bfloat16", "align", False),
        ("mixed_bfloat16", "max", True),
    ],
)
def test_a_step_of_a_detector(precision, pooling, fixed):
    keras.config.set_dtype_policy(precision)
    net = net_of(
        detector_of(
            batch_norm="fixed" if fixed else "trained",
            regions={"pooling": pooling, "global_context": True},
        )
    )
    spec = tiny_spec(numerics={"precision": precision})
    batch = (
        tf.zeros((0, 2), tf.int64),
        tf.zeros((0, 2, 96, 96, 3), tf.uint8),
        tf.zeros((0, 2, 2), tf.int32),
        tf.zeros((0, 2, 4, 4)),
        tf.zeros((0, 2, 4), tf.int32),
        tf.zeros((0, 2, 4), tf.bool),
    )
    check(steps_of(spec, JointLoss(net, NORMALIZATION, 0), net, batch))


def test_a_detector_s_scoring_but_for_its_suppression():
    """Of non-maximum suppression by class TensorFlow has no kernel for GPUs."""
    net = net_of(detector_of())

    @tf.function
    def found(pixels, sizes):
        level = Level(net.features(images(NORMALIZATION, pixels, sizes), training=False), sizes)
        return predict.detect(net, level, [level])

    pixels = tf.TensorSpec((2, 96, 96, 3), tf.uint8)
    traced = found.get_concrete_function(pixels, tf.TensorSpec((2, 2), tf.int32))
    assert {op for op, *_ in without_gpu_kernel(traced)} == {"CombinedNonMaxSuppression"}
    assert raising(traced) == set()


@pytest.mark.parametrize("classes", [10, 1000])
def test_scoring_on_a_single_view(embedded, classes):
    spec = tiny_spec()
    data = ResidentImages(spec.dataset, embedded)
    model = build_model(spec.model, (32, 32, 3), classes)
    folded, take_over = inference_model(spec.model, model, (32, 32, 3), classes)
    score = batch_scorer(folded, data, "test")
    bounds = tf.TensorSpec((), tf.int32)
    result = Crossing("ArgMax", "Identity", "DT_INT32")
    check(score.get_concrete_function(bounds, bounds), waited_for=[result])
    check(traced(take_over))


def test_scoring_on_several_views():
    spec = tiny_spec()
    model = build_model(spec.model, (None, None, 3), 10)
    pixels = tf.TensorSpec((None, 10, None, None, 3), tf.uint8)
    check(score_of(model, Photographs.normalization).get_concrete_function(pixels))


# What this file guards against, and the proof that it would see it.


def traced(function, *shapes):
    return tf.function(function).get_concrete_function(*shapes)


def test_bytes_gathered_from_a_constant_would_leave_the_gpu():
    pixels = tf.constant([[1], [2]], tf.uint8)
    found = without_gpu_kernel(
        traced(lambda indices: tf.gather(pixels, indices), tf.TensorSpec((None,), tf.int32))
    )
    assert any(op == "GatherV2" for op, *_ in found)


def test_a_power_of_small_integers_would_leave_the_gpu():
    found = without_gpu_kernel(traced(lambda x: 2**x, tf.TensorSpec((None,), tf.int32)))
    assert {op for op, *_ in found} == {"Pow"}


def test_small_integers_from_the_gpu_that_are_reckoned_with_are_seen():
    found = crossings(
        traced(
            lambda x: tf.math.top_k(x, 2).indices + 1,
            tf.TensorSpec((9,), tf.float32),
        )
    )
    assert found == {Crossing("TopKV2", "AddV2", "DT_INT32")}


@pytest.mark.parametrize(
    ("function", "operation"),
    [
        (lambda x: tf.image.adjust_contrast(x, 2.0), "AdjustContrastv2"),
        (
            lambda x: tf.raw_ops.FusedBatchNormGradV3(
                y_backprop=x,
                x=x,
                scale=tf.ones(3),
                reserve_space_1=tf.ones(3),
                reserve_space_2=tf.ones(3),
                reserve_space_3=tf.zeros(0),
                is_training=False,
            )[0],
            "FusedBatchNormGradV3",
        ),
    ],
)
def test_what_raises_under_determinism_is_seen(function, operation):
    assert raising(traced(function, tf.TensorSpec((2, 8, 8, 3), tf.float32))) == {operation}

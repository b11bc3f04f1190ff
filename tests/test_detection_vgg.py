"""VGG-16 as the net of Faster R-CNN, and what a detector costs."""

import math
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmark.data.normalization import Normalization
from benchmark.detection.backbone import backbone_of, fix_batch_norm
from benchmark.detection.cost import detector_cost
from benchmark.detection.faster_rcnn import FasterRCNN
from benchmark.models.build import build_model
from benchmark.models.count import Cost, counted_cost
from benchmark.models.pretrained import HEADS, assign
from benchmark.spec import DetectorSpec, ResNetSpec, SgdSpec, VggSpec
from benchmark.training.detection import JointLoss
from benchmark.training.loss_scale import LossScale
from benchmark.training.optimizers.sgd import Momentum
from benchmark.training.replicas import Replicas
from benchmark.training.state import Variables
from benchmark.training.step import TrainingSteps
from benchmark.training.weights import weight_arrays

VGG16, CLASSES = VggSpec(family="vgg"), 20
CONVOLUTIONS = 14_714_688
"""Parameters of VGG-16 without its dense layers, as Keras documents them."""

SMALL = {
    "anchors": {"scales": [32.0], "ratios": [1.0]},
    "rpn": {"channels": 8, "batch": 4},
    "proposals": {"train_before_nms": 16, "train_count": 8},
    "regions": {"size": 7, "batch": 8},
}
"""For images of 64 pixels, which have 4 by 4 features."""


def spec_of(**fields):
    return DetectorSpec.model_validate({**SMALL, **fields})


@pytest.fixture
def narrow(monkeypatch):
    """VGG-16 with dense layers of 32 units, which are soon built."""
    monkeypatch.setattr("benchmark.models.vgg.net.VGG_DENSE", 32)


def noise(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


# The backbone


def test_both_parts_with_a_classifiers_weights_are_the_classifier(narrow):
    keras.utils.set_random_seed(1)
    classifier = build_model(VGG16, (224, 224, 3), 7)
    for weight in classifier.weights:  # Biases too are no longer 0.
        weight.assign(weight + 0.01)
    backbone = backbone_of(VGG16)
    arrays = weight_arrays(classifier)
    assign(backbone.weights, arrays, unused=HEADS)
    own = {w.path for net in (backbone.features, backbone.regions) for w in net.weights}
    assert arrays.keys() - own == {"predictions/kernel", "predictions/bias"}
    names = ("block5_conv3", "block5_pool", "fc2")
    outputs = [classifier.get_layer(name).output for name in names]
    x = noise(1, 224, 224, 3)
    conv5, pool5, fc7 = keras.Model(classifier.input, outputs)(x, training=False)
    np.testing.assert_allclose(backbone.features(x), conv5, rtol=1e-4, atol=1e-4)
    found = backbone.regions(pool5)
    assert found.shape == (1, 32) and np.ptp(found) > 0
    np.testing.assert_allclose(found, fc7[:, 0, 0], rtol=1e-4, atol=1e-4)


def test_features_lie_16_pixels_apart_and_an_images_rest_has_none(narrow):
    backbone = backbone_of(VGG16)
    assert backbone.stride == 16
    for side, features in ((64, 4), (79, 4), (80, 5)):
        assert backbone.features.compute_output_shape((2, side, 64, 3)) == (2, features, 4, 512)
    assert not any("pool" in name for name in backbone.parts)
    assert backbone.features.layers[-1].name == "block5_conv3"


def test_published_weights_of_another_width_are_refused(narrow):
    backbone = backbone_of(VGG16)
    arrays = {w.path: w.numpy() for w in (*backbone.features.weights, *backbone.regions.weights)}
    with pytest.raises(ValueError, match=r"fc2/bias must be of shape \(32,\)"):
        assign(backbone.weights, {**arrays, "fc2/bias": np.zeros(4096)})


# The net


@pytest.mark.parametrize("stages", [0, 1, 2, 5])
def test_frozen_stages_are_the_first_convolutions(narrow, stages):
    net = FasterRCNN(spec_of(frozen_stages=stages), backbone_of(VGG16), CLASSES)
    first = {weight.path.split("/")[0].split("_")[0] for weight in net.trainable_weights}
    blocks = {f"block{number}" for number in range(stages + 1, 6)}
    assert first == blocks | {"fc1", "fc2", "rpn", "class", "box"}
    assert len({weight.path for weight in net.weights}) == len(net.weights)


def test_what_does_not_fit_is_refused(narrow):
    backbone = backbone_of(VGG16)
    fix_batch_norm(backbone)  # There is none.
    with pytest.raises(ValueError, match=r"regions.size must be 7 for this .* Received: 14"):
        FasterRCNN(DetectorSpec(), backbone, CLASSES)
    with pytest.raises(ValueError, match=r"frozen_stages must be at most 5.* Received: 6"):
        FasterRCNN(spec_of(frozen_stages=6), backbone, CLASSES)
    assert len(backbone.features.trainable_weights) == 2 * 13, "nothing was frozen"


@pytest.mark.parametrize("pooling", ["align", "max"])
def test_regions_are_classified(narrow, pooling):
    spec = spec_of(regions={"size": 7, "pooling": pooling, "global_context": pooling == "max"})
    net = FasterRCNN(spec, backbone_of(VGG16), CLASSES)
    features = net.features(noise(2, 64, 80, 3), training=False)
    objectness, deltas = net.propose(features)
    assert (objectness.shape, deltas.shape) == ((2, 4 * 5), (2, 4 * 5, 4))
    regions = tf.constant([[[0.0, 0, 64, 64], [8, 8, 40, 60], [16, 0, 80, 64]]] * 2)
    logits, deltas = net.classify(features, regions, [[64, 80]] * 2, training=False)
    assert (logits.shape, deltas.shape) == ((2, 3, CLASSES + 1), (2, 3, CLASSES, 4))


# Dropout


def test_half_of_both_dense_layers_outputs_are_dropped_in_training_alone(narrow):
    regions = backbone_of(VGG16).regions
    rates = {x.name: x.rate for x in regions.layers if isinstance(x, keras.layers.Dropout)}
    assert rates == {"fc1_dropout": 0.5, "fc2_dropout": 0.5}
    for name in ("fc1", "fc2"):
        kernel, bias = regions.get_layer(name).weights
        kernel.assign(tf.zeros_like(kernel))
        bias.assign(tf.ones_like(bias))
    x = noise(200, 7, 7, 512)
    np.testing.assert_array_equal(regions(x, training=False), 1)
    dropped = regions(x, training=True).numpy()
    assert set(np.unique(dropped)) == {0, 2}, "what is kept is doubled"
    assert np.mean(dropped) == pytest.approx(1, abs=0.05)


def test_fixed_batch_normalisation_does_not_keep_dropout_from_a_detector(narrow):
    net = FasterRCNN(spec_of(), backbone_of(VGG16), CLASSES)
    features, regions = noise(1, 4, 4, 512), tf.constant([[[0.0, 0, 64, 64]]])

    def logits(training):
        return net.classify(features, regions, [[64, 64]], training=training)[0].numpy()

    np.testing.assert_array_equal(logits(False), logits(False))
    assert np.any(logits(True) != logits(True)) and np.any(logits(True) != logits(False))


def test_training_goes_on_bit_for_bit_where_it_was_stopped(narrow):
    keras.utils.set_random_seed(3)
    net = FasterRCNN(spec_of(frozen_stages=2), backbone_of(VGG16), CLASSES)
    optimizer = Momentum(SgdSpec(), net.trainable_weights)
    normalization = Normalization(np.full(3, 118, np.float32), np.full(3, 1 / 64, np.float32))
    scale = LossScale(None)
    objective = JointLoss(net, normalization, 0)
    train = TrainingSteps(objective, optimizer, scale, Replicas(1), xla=False)
    variables = Variables(net, optimizer, scale)
    pixels = np.random.default_rng(0).integers(0, 255, (1, 64, 64, 3), np.uint8)
    truth = [[[[8.0, 8, 40, 40]]], [[1]], [[False]]]
    batch = [tf.constant(each) for each in (pixels, [[64, 64]], *truth)]

    def step(number):
        places = tf.constant([number], tf.int64)
        done = train(tf.constant([0.01]), *(each[None] for each in (places, *batch)))
        return [float(loss[0]) for loss in done.counted.values()], variables.arrays()

    _, stopped = step(0)
    assert {"random/0", "random/1"} <= stopped.keys()
    losses, after = step(1)
    assert np.isfinite(losses).all()
    moved = {name.removeprefix("model/") for name in after if np.any(after[name] != stopped[name])}
    assert "fc1/kernel" in moved and "block3_conv1/kernel" in moved
    assert "block2_conv2/kernel" not in moved
    variables.assign(stopped)
    again, same = step(1)
    assert again == losses
    for name, array in after.items():
        np.testing.assert_array_equal(same[name], array, err_msg=name)
    random = {name: array for name, array in after.items() if name.startswith("random/")}
    variables.assign({**stopped, **random})
    assert step(1)[0] != losses, "dropped are others"


# The cost


def counted(net, input_shape):
    """The cost of a built detector, part by part, from its weights and its layers' shapes."""

    def multiply_adds(part, shape):
        anew = keras.models.clone_model(part, input_tensors=keras.Input(shape))
        return counted_cost(anew).multiply_adds

    regions, context = net.spec.regions, net.spec.regions.global_context
    _, *features = net.shared.compute_output_shape((1, *input_shape))
    pooled = (regions.size, regions.size, features[-1])
    outputs = net.siblings.input_shape[-1]
    moving = ("moving_mean", "moving_variance")
    return Cost(
        sum(math.prod(w.shape) for w in net.weights if w.name not in moving),
        multiply_adds(net.shared, input_shape)
        + multiply_adds(net.rpn, tuple(features))
        + multiply_adds(net.regions, pooled) * (regions.batch + context)
        + multiply_adds(net.siblings, (regions.batch, outputs)),
    )


def test_the_cost_of_vgg_is_that_of_its_layers():
    """Of the net in full: 4096 units in both layers."""
    spec = DetectorSpec.model_validate({"regions": {"size": 7}, "frozen_stages": 2})
    net = FasterRCNN(spec, backbone_of(VGG16), CLASSES)
    assert net.regions.output_shape == (None, 4096)
    found = detector_cost(VGG16, spec, (130, 100, 3), CLASSES)
    assert found == counted(net, (130, 100, 3))
    dense = (7 * 7 * 512 + 1) * 4096 + 4097 * 4096
    rpn = (9 * 512 + 1) * 512 + 513 * 9 * 5
    assert found.parameters == CONVOLUTIONS + dense + rpn + 4097 * (CLASSES + 1 + 4 * CLASSES)


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ({"block": "bottleneck", "shortcut": "B", "bottleneck_stride": "1x1"}, {}),
        (
            {"block": "basic", "shortcut": "C", "conv_bias": True},
            {"regions": {"size": 5, "batch": 3, "global_context": True}, "frozen_stages": 1},
        ),
        ({"block": "basic", "shortcut": "A", "stem": "cifar"}, {"batch_norm": "trained"}),
        ({"block": "basic", "shortcut": "none", "batch_norm": None}, {}),
    ],
)
def test_the_cost_of_residual_nets_is_that_of_their_layers(model, fields):
    net = {"stem": "imagenet", "stage_blocks": [1, 2, 1], "stage_widths": [4, 8, 12], **model}
    model, spec = ResNetSpec.model_validate(net), spec_of(**fields)
    built = FasterRCNN(spec, backbone_of(model), CLASSES)
    assert detector_cost(model, spec, (75, 50, 3), CLASSES) == counted(built, (75, 50, 3))


def test_a_cost_is_known_without_keras():
    code = "import sys, benchmark.detection.cost; print({'keras', 'tensorflow'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

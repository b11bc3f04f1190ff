"""The detector's spec, its net, its training step and its detections."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from benchmark.data.detection.feed import ScoredBatch
from benchmark.data.normalization import Normalization
from benchmark.detection import boxes, predict
from benchmark.detection.backbone import backbone_of
from benchmark.detection.faster_rcnn import FasterRCNN
from benchmark.detection.joint_loss import images
from benchmark.detection.predict import Found, Scored, predictor
from benchmark.detection.roi_features import roi_features
from benchmark.evaluation.boxes.detections import Detections
from benchmark.models.build import build_model
from benchmark.models.pretrained import HEADS, assign
from benchmark.spec import ResNetSpec, SgdSpec
from benchmark.spec.detector import DetectorSpec, InferenceSpec
from benchmark.training.detection import PARTS, JointLoss
from benchmark.training.loss_scale import LossScale
from benchmark.training.optimizers.sgd import Momentum
from benchmark.training.replicas import Replicas
from benchmark.training.step import TrainingSteps
from benchmark.training.weights import weight_arrays

CLASSES = 10
NORMALIZATION = Normalization(np.full(3, 118, np.float32), np.full(3, 1 / 64, np.float32))

TINY = {"stem": "cifar", "block": "basic", "stage_blocks": [1, 1, 1], "stage_widths": [8, 16, 32]}
DEEPER = {"block": "basic", "stage_blocks": [1, 2, 1, 2], "stage_widths": [4, 8, 12, 16]}
BOTTLENECK = {"block": "bottleneck", "stage_blocks": [2, 1], "stage_widths": [4, 8]}

SMALL = {
    "anchors": {"scales": [32.0], "ratios": [1.0]},
    "rpn": {"channels": 32, "batch": 64},
    "proposals": {
        "train_before_nms": 500,
        "train_count": 50,
        "test_before_nms": 500,
        "test_count": 30,
    },
    "regions": {"batch": 16, "size": 8},
}
"""For canvases of 96 pixels with objects of about 32."""


def spec_of(**fields):
    sections = {
        name: {**part, **fields.pop(name, {})} if isinstance(part, dict) else part
        for name, part in SMALL.items()
    }
    return DetectorSpec.model_validate({**sections, **fields})


def net_of(spec, model=None, seed=0):
    keras.utils.set_random_seed(seed)
    model = ResNetSpec.model_validate(model or {**TINY, "shortcut": "A"})
    return FasterRCNN(spec, backbone_of(model), CLASSES)


class Canvases:
    """Real CIFAR images pasted on grey at known places, one batch of them."""

    SIDE = 96
    PLACES = [[(4, 8), (52, 40)], [(40, 4), (8, 60)], [(30, 30), (64, 64)]]

    def __init__(self, embedded, padding=2):
        count, most = len(self.PLACES), 2 + padding
        self.pixels = np.full((count, self.SIDE, self.SIDE, 3), 118, np.uint8)
        self.sizes = np.full((count, 2), self.SIDE, np.int32)
        self.boxes = np.zeros((count, most, 4), np.float32)
        self.labels = np.full((count, most), -1, np.int32)
        self.crowds = np.zeros((count, most), bool)
        image = iter(range(len(embedded.train_images)))
        for canvas, places in enumerate(self.PLACES):
            for at, (x, y) in enumerate(places):
                source = next(image)
                self.pixels[canvas, y : y + 32, x : x + 32] = embedded.train_images[source]
                self.boxes[canvas, at] = (x, y, x + 32, y + 32)
                self.labels[canvas, at] = embedded.train_labels[source]

    def batch(self):
        return [tf.constant(array) for array in vars(self).values()]


@pytest.fixture(scope="module")
def canvases(embedded):
    return Canvases(embedded)


def trained(net, batch, steps, rate=0.01, seed=0, xla=False):
    """Train, and give the losses of each step: all of it, and its parts."""
    optimizer = Momentum(SgdSpec(), net.trainable_weights)
    objective = JointLoss(net, NORMALIZATION, seed)
    step = TrainingSteps(objective, optimizer, LossScale(None), Replicas(1), xla=xla)
    found, count = [], len(batch[0])
    for at in range(steps):
        places = tf.range(at * count, (at + 1) * count, dtype=tf.int64)
        done = step(tf.constant([rate]), *(each[None] for each in (places, *batch)))
        parts = (float(done.counted[part][0]) / count for part in PARTS)
        found.append([float(done.loss[0]), *parts])
    return found


@pytest.fixture(scope="module")
def overfitted(canvases):
    """A net that knows the three canvases by heart, and its losses; at the end with small steps, so
    that it knows them well whatever a machine's rounding."""
    net, batch = net_of(spec_of()), canvases.batch()
    return net, trained(net, batch, 200) + trained(net, batch, 50, rate=0.001)


# The spec


def test_the_defaults_are_the_papers():
    spec = DetectorSpec()
    assert (spec.training, spec.batch_norm) == ("approximate-joint", "fixed")
    assert (len(spec.anchors.scales), len(spec.anchors.ratios)) == (3, 3)
    assert (spec.rpn.batch, spec.rpn.positive_share) == (256, 0.5)
    assert (spec.rpn.positive_iou, spec.rpn.negative_iou) == (0.7, 0.3)
    assert (spec.proposals.train_count, spec.proposals.test_count) == (2000, 300)
    assert spec.proposals.nms_iou == 0.7
    assert (spec.regions.positive_share, spec.regions.positive_iou) == (0.25, 0.5)
    assert not (spec.regions.global_context or spec.inference.box_refinement)


def test_a_spec_comes_back_from_its_json():
    for spec in (DetectorSpec(), spec_of(regions={"pooling": "max"}, frozen_stages=1)):
        assert DetectorSpec.model_validate_json(spec.model_dump_json()) == spec
    assert DetectorSpec().canonical_json() == "{}"


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"rpn": {"negative_iou": 0.8}}, "negative_iou"),
        ({"regions": {"negative_iou": 0.6}}, "negative_iou"),
        ({"anchors": {"scales": [0.0]}}, "scales"),
        ({"anchors": {"ratios": []}}, "ratios"),
        ({"regions": {"box_stddevs": [0.1, 0.1]}}, "box_stddevs"),
        ({"training": "alternating"}, "training"),
        ({"inference": {"nms": 0.5}}, "nms"),
    ],
)
def test_what_cannot_be_is_refused(fields, where):
    with pytest.raises(ValidationError, match=where):
        DetectorSpec.model_validate(fields)


# The backbone


@pytest.mark.parametrize(
    ("model", "stride"),
    [
        ({**TINY, "shortcut": "none"}, 2),
        ({**TINY, "shortcut": "A"}, 2),
        ({**DEEPER, "stem": "cifar", "shortcut": "B"}, 4),
        ({**DEEPER, "stem": "imagenet", "shortcut": "C"}, 16),
        ({**BOTTLENECK, "stem": "imagenet", "shortcut": "B"}, 4),
    ],
)
def test_both_parts_with_a_classifiers_weights_are_the_classifier(model, stride):
    model = ResNetSpec.model_validate(model)
    keras.utils.set_random_seed(1)
    classifier = build_model(model, (64, 64, 3), 7)
    rng = np.random.default_rng(0)
    for weight in classifier.weights:  # Statistics too are no longer at their first values.
        weight.assign(weight + rng.uniform(0, 0.2, weight.shape))
    backbone = backbone_of(model)
    assign(backbone.weights, weight_arrays(classifier), unused=HEADS)
    x = tf.constant(rng.normal(size=(2, 64, 64, 3)), tf.float32)
    features = backbone.features(x)
    assert backbone.stride == stride
    assert features.shape[:3] == (2, 64 // stride, 64 // stride)
    last = classifier.get_layer("classifier")
    expected = classifier(x, training=False)
    np.testing.assert_allclose(last(backbone.regions(features)), expected, rtol=1e-4, atol=1e-4)


def test_weights_that_do_not_fit_are_refused_and_none_is_set():
    model = ResNetSpec.model_validate({**TINY, "shortcut": "A"})
    backbone = backbone_of(model)
    before = backbone.features.get_weights()
    arrays = weight_arrays(build_model(model, (32, 32, 3), 10))
    arrays = {path: array + 1 for path, array in arrays.items()}
    wrong = "stage3_block1_conv2/kernel"
    for broken in (
        {path: array for path, array in arrays.items() if path != wrong},
        {**arrays, wrong: np.zeros((3, 3, 1, 1))},
    ):
        with pytest.raises(ValueError, match=wrong):
            assign(backbone.weights, broken)
    for one, other in zip(before, backbone.features.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_net_of_one_stage_cannot_be_parted():
    model = ResNetSpec(
        stem="cifar", block="basic", stage_blocks=(1,), stage_widths=(4,), shortcut="A"
    )
    with pytest.raises(ValueError, match="two stages"):
        backbone_of(model)


# The net


def test_each_weight_has_a_path_of_its_own():
    paths = [weight.path for weight in net_of(spec_of()).weights]
    assert len(paths) == len(set(paths))
    assert "rpn_conv/kernel" in paths
    assert not [path for path in paths if path.startswith("classifier")]


@pytest.mark.parametrize(("stages", "frozen"), [(0, ()), (1, ("stem",)), (2, ("stem", "stage1"))])
def test_frozen_stages_are_not_trained(stages, frozen):
    trained_parts = {
        w.path.split("_")[0] for w in net_of(spec_of(frozen_stages=stages)).trainable_weights
    }
    assert trained_parts == {"stem", "stage1", "stage2", "stage3", "rpn", "class", "box"} - set(
        frozen
    )


def test_more_frozen_stages_than_are_shared_are_refused():
    net_of(spec_of(frozen_stages=3))
    with pytest.raises(ValueError, match="frozen_stages"):
        net_of(spec_of(frozen_stages=4))


@pytest.mark.parametrize("pooling", ["align", "max"])
@pytest.mark.parametrize("context", [False, True])
def test_the_shapes_of_both_parts(pooling, context):
    spec = spec_of(
        anchors={"ratios": [0.5, 1.0, 2.0]},
        regions={"pooling": pooling, "global_context": context},
    )
    net = net_of(spec)
    sizes = tf.constant([[64, 96]] * 2)
    features = net.features(tf.zeros((2, 64, 96, 3)), training=True)
    objectness, deltas = net.propose(features)
    assert (objectness.shape, deltas.shape) == ((2, 32 * 48 * 3), (2, 32 * 48 * 3, 4))
    regions = tf.constant([[[0.0, 0, 32, 32]] * 5] * 2)
    logits, deltas = net.classify(features, regions, sizes, training=True)
    assert (logits.shape, deltas.shape) == ((2, 5, CLASSES + 1), (2, 5, CLASSES, 4))


def test_the_outputs_of_a_place_are_those_of_its_anchors():
    """The order of ``propose`` is that of ``anchors``: rows, columns, then shapes."""
    net = net_of(spec_of(anchors={"ratios": [0.5, 1.0, 2.0]}))
    features = tf.random.stateless_normal((1, 4, 6, 16), (0, 0))
    objectness, deltas = net.propose(features)
    raw_objectness, raw_deltas = net.rpn(features)
    at = (2 * 6 + 3) * 3 + 1  # Row 2, column 3, shape 1.
    assert objectness[0, at] == raw_objectness[0, 2, 3, 1]
    np.testing.assert_array_equal(deltas[0, at], raw_deltas[0, 2, 3, 4:8])


def test_the_global_context_is_the_whole_images_outputs():
    net = net_of(spec_of(regions={"global_context": True}))
    sizes = tf.constant([[64, 48]])
    features = tf.random.stateless_normal((1, 32, 32, 16), (0, 0))
    regions = tf.constant([[[4.0, 4, 36, 36], [0, 0, 48, 64]]])
    pooled = roi_features(net.spec.regions, features, regions, net.stride)
    own, image = net.regions(pooled[0])
    expected, _ = net.siblings(tf.concat([own, image], 0)[None, None])
    logits, _ = net.classify(features, regions, sizes, training=False)
    np.testing.assert_allclose(logits[0, 0], expected[0, 0], rtol=1e-4, atol=1e-6)


def test_outside_the_images_the_nets_input_is_zero():
    pixels = np.full((2, 4, 5, 3), 182, np.uint8)
    found = images(NORMALIZATION, tf.constant(pixels), tf.constant([[4, 5], [2, 3]])).numpy()
    np.testing.assert_array_equal(found[0], 1)
    np.testing.assert_array_equal(found[1, :2, :3], 1)
    assert found[1].sum() == 2 * 3 * 3


# Training


def batch_norms(net):
    """Path -> array, of every weight of batch normalisation."""
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    return {w.path: w.numpy() for w in net.weights if w.name in names}


def test_fixed_batch_normalisation_keeps_every_number(canvases):
    net = net_of(spec_of())
    rng = np.random.default_rng(0)
    for weight in net.weights:
        if weight.path in batch_norms(net):
            weight.assign(weight + rng.uniform(0, 0.1, weight.shape))
    before, all_before = batch_norms(net), weight_arrays(net)
    assert len(before) == 4 * 7
    trained(net, canvases.batch(), 2)
    after = batch_norms(net)
    for path, array in before.items():
        np.testing.assert_array_equal(after[path], array, err_msg=path)
    moved = {
        path for path, array in weight_arrays(net).items() if np.any(array != all_before[path])
    }
    assert moved == all_before.keys() - before.keys(), "and every other weight is trained"


def test_trained_batch_normalisation_moves_every_number(canvases):
    net = net_of(spec_of(batch_norm="trained"))
    before = weight_arrays(net)
    trained(net, canvases.batch(), 2)
    assert all(np.any(array != before[path]) for path, array in weight_arrays(net).items())


def test_frozen_weights_stay(canvases):
    net = net_of(spec_of(frozen_stages=2))
    before = weight_arrays(net)
    trained(net, canvases.batch(), 1)
    stayed = {path for path, array in weight_arrays(net).items() if np.all(array == before[path])}
    assert {"stem_conv/kernel", "stage1_block1_conv2/kernel"} <= stayed
    assert "stage2_block1_conv1/kernel" not in stayed


def test_a_run_is_a_function_of_its_seed(canvases):
    def outcome(seed):
        net = net_of(spec_of())
        return trained(net, canvases.batch(), 3, seed=seed), weight_arrays(net)

    (losses, weights), again, other = outcome(0), outcome(0), outcome(1)
    assert losses == again[0]
    assert losses[0] != other[0][0]
    for path, array in weights.items():
        np.testing.assert_array_equal(again[1][path], array, err_msg=path)


def test_each_step_draws_anchors_and_regions_anew(canvases):
    found = trained(net_of(spec_of()), canvases.batch(), 3, rate=0.0)
    for part in range(5):
        assert len({losses[part] for losses in found}) == 3 or part == 2
    # The few positive anchors are all trained on, whatever is drawn.
    assert len({losses[2] for losses in found}) == 1


def test_what_lies_outside_an_image_does_not_count(canvases):
    batch = canvases.batch()
    batch[1] = tf.constant([[96, 96], [96, 72], [64, 96]])
    noise = np.random.default_rng(0).integers(0, 255, canvases.pixels.shape, np.uint8)
    noisy = noise.copy()
    for canvas, (height, width) in enumerate(batch[1].numpy()):
        noisy[canvas, :height, :width] = canvases.pixels[canvas, :height, :width]
    one = trained(net_of(spec_of()), batch, 1)
    other = trained(net_of(spec_of()), [tf.constant(noisy), *batch[1:]], 1)
    assert one == other


def test_canvases_without_objects_train_nothing_but_background(canvases):
    batch = canvases.batch()
    batch[3] = tf.fill(batch[3].shape, -1)
    total, objectness, where, classes, box = trained(net_of(spec_of()), batch, 1)[0]
    assert (where, box) == (0, 0)
    assert total == pytest.approx(objectness + classes)
    assert objectness == pytest.approx(np.log(2), abs=0.05), "an untrained net does not know"


def test_the_step_can_be_compiled(canvases):
    """XLA draws other numbers; where all candidates are chosen, that is without effect. On noise,
    since rounding decides which of the equal places of a plain canvas is the better one."""
    everything = {"batch": 10_000, "positive_share": 1.0}
    spec = spec_of(rpn=everything, regions={**everything, "size": 4})
    model = {"stem": "cifar", "block": "basic", "shortcut": "none"}
    model |= {"stage_blocks": [1, 1], "stage_widths": [4, 8]}
    noise = np.random.default_rng(0).integers(0, 255, canvases.pixels.shape, np.uint8)
    batch = [tf.constant(noise), *canvases.batch()[1:]]
    plain, compiled = (trained(net_of(spec, model), batch, 1, xla=xla)[0] for xla in (False, True))
    np.testing.assert_allclose(compiled, plain, rtol=1e-4)


# Detections


def test_suppression_is_by_class_and_the_best_come_first():
    row = [(0, 0, 10, 10), (0, 0, 10, 9), (40, 40, 50, 50)]
    scored = Scored(
        probabilities=tf.constant([[[0.5, 0.1], [0.8, 0.7], [0.04, 0.6]]]),
        boxes=tf.repeat(tf.constant([row], tf.float32)[:, :, None], 2, 2),
    )
    found = predict._suppressed(InferenceSpec(max_detections=5), scored)
    assert found.count.numpy().tolist() == [3]
    np.testing.assert_allclose(found.scores[0], [0.8, 0.7, 0.6, 0, 0])
    assert found.labels[0, :3].numpy().tolist() == [0, 1, 1]
    expected = [row[1], row[1], row[2], [0] * 4, [0] * 4]
    np.testing.assert_array_equal(found.boxes[0], expected)
    fewer = predict._suppressed(InferenceSpec(max_detections=1), scored)
    np.testing.assert_allclose(fewer.scores, [[0.8]])


def test_boxes_vote_by_their_scores():
    rows = [(0, 0, 10, 10), (0, 0, 10, 8), (0, 0, 10, 2), (50, 50, 60, 60)]
    scored = Scored(
        probabilities=tf.constant([[[0.1, 0.6], [0.9, 0.2], [0.1, 0.9], [0.1, 0.9]]]),
        boxes=tf.repeat(tf.constant([rows], tf.float32)[:, :, None], 2, 2),
    )
    kept = Found(
        tf.constant([[rows[0], [0] * 4]], tf.float32),
        tf.constant([[0.6, 0]]),
        tf.constant([[1, 0]]),
        tf.constant([1]),
    )
    voted = predict._voted(InferenceSpec(), scored, kept).boxes
    # Of class 1 the first two overlap enough: (0.6 * 10 + 0.2 * 8) / 0.8.
    np.testing.assert_allclose(voted[0, 0], [0, 0, 10, 9.5], rtol=1e-5)
    np.testing.assert_array_equal(voted[0, 1], [0] * 4)


def test_detections_are_in_the_original_images_pixels():
    found = np.array([[0, 0, 300, 600], [30, 60, 310, 60.5]], np.float32)
    original = predict._in_original(found, np.array([600, 300]), np.array([200, 150]))
    np.testing.assert_allclose(original, [[0, 0, 150, 200], [15, 20, 150, 60.5 / 3]])
    assert original.dtype == np.float32


def detections_of(net, canvases, originals, ids):
    batch = ScoredBatch(canvases.pixels, canvases.sizes, originals, ids)
    return predictor(net, NORMALIZATION, canvases.SIDE)({canvases.SIDE: batch})


def are_found(detections, canvases, image, scale=1.0):
    """Whether each true box has a probable detection of its class with an IoU above 0.5, and no
    probable detection lies apart from all true boxes of its class."""
    overlaps = overlaps_of(detections, canvases, image, scale)
    return bool(np.all(overlaps.max(1, initial=0) > 0.5) and np.all(overlaps.max(0) > 0.1))


def overlaps_of(detections, canvases, image, scale=1.0):
    """IoU (true boxes, probable detections), 0 where they are of different classes."""
    probable = detections.scores > 0.5
    there = canvases.labels[image] >= 0
    overlaps = boxes.iou(canvases.boxes[image][there], detections.boxes[probable] * scale).numpy()
    same = canvases.labels[image][there][:, None] == detections.labels[probable]
    return np.where(same, overlaps, 0)


def test_a_net_finds_what_it_was_trained_on(overfitted, canvases):
    net, losses = overfitted
    assert losses[-1][0] < 0.25 * losses[0][0]
    originals = [(96, 96), (192, 96), (48, 48)]
    found = detections_of(net, canvases, originals, [7, 8, 9])
    assert [each.image_id for each in found] == [7, 8, 9]
    for image, (each, (height, width)) in enumerate(zip(found, originals, strict=True)):
        assert (each.boxes.dtype, each.scores.dtype) == (np.float32, np.float32)
        assert each.labels.dtype == np.int32
        assert np.all(np.diff(each.scores) <= 0)
        scale = np.array([96 / width, 96 / height] * 2)
        assert are_found(each, canvases, image, scale)


def test_a_net_that_is_not_trained_finds_nothing(canvases):
    found = detections_of(net_of(spec_of()), canvases, canvases.sizes, range(3))
    assert not any(are_found(each, canvases, image) for image, each in enumerate(found))


def test_a_detection_too_few_too_many_or_of_another_class_is_seen(canvases):
    true, labels = canvases.boxes[0], canvases.labels[0]
    assert labels[0] != labels[1] and np.all(labels[2:] < 0)
    apart = np.array([[60, 0, 90, 20]], np.float32)

    def seen(where, classes):
        scores = np.ones(len(classes), np.float32)
        return are_found(Detections(0, where, scores, np.array(classes)), canvases, 0)

    assert seen(true[:2], labels[:2])
    assert seen(true[[0, 1, 1]], labels[[0, 1, 1]])
    assert not seen(true[:1], labels[:1])
    assert not seen(true[:2], labels[[1, 0]])
    assert not seen(true[[0, 1, 1]], labels[[0, 1, 0]])
    assert not seen(np.concatenate([true[:2], apart]), labels[[0, 1, 0]])


def test_refined_boxes_are_found_as_well(overfitted, canvases):
    net, _ = overfitted
    refined = net_of(spec_of(inference={"box_refinement": True}))
    refined.set_weights(net.get_weights())
    plain, found = (
        detections_of(each, canvases, canvases.sizes, range(3)) for each in (net, refined)
    )
    assert any(np.any(a.boxes[:2] != b.boxes[:2]) for a, b in zip(plain, found, strict=True))
    # The net was not trained on regions that lie as well as regressed ones do: it may take them for
    # other classes, too.
    for image, each in enumerate(found):
        assert overlaps_of(each, canvases, image).max(1, initial=0).min() > 0.5

"""The detector's parts against torchvision's, on random input, gradients included.

Torchvision comes first: some of its builds crash a process that has loaded TensorFlow before. Where
another test file has done so, these tests are left to a process of their own (tox -e torchvision).
"""

import sys

import numpy as np
import pytest

if "tensorflow" in sys.modules and "torchvision" not in sys.modules:
    pytest.skip("torchvision must be loaded before TensorFlow", allow_module_level=True)
try:
    import torch
    import torchvision
    from torchvision.models.detection._utils import BoxCoder
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.image_list import ImageList
except (ImportError, RuntimeError) as error:  # Beside a PyTorch that is not its own it raises this.
    pytest.skip(f"needs torchvision: tox -e torchvision ({error})", allow_module_level=True)

import tensorflow as tf

from benchmark.detection import boxes, roi_features
from benchmark.detection.anchors import anchors
from benchmark.detection.proposals import proposals
from benchmark.spec.detector import AnchorSpec, ProposalSpec


def random_boxes(rng, shape, extent):
    """Some of them, or parts of them, outside of 0 to ``extent``, and of all sizes."""
    corner = rng.uniform(-0.1 * extent, extent, (*shape, 2))
    sides = rng.uniform(0.01 * extent, 0.8 * extent, (*shape, 2))
    return np.concatenate([corner, corner + sides], -1).astype(np.float32)


def pooled(pool, features, regions):
    """Outputs, and the gradient of their products with fixed numbers, by the features."""
    features = tf.constant(features)
    with tf.GradientTape() as tape:
        tape.watch(features)
        outputs = pool(features, tf.constant(regions))
        upstream = np.random.default_rng(9).normal(size=outputs.shape).astype(np.float32)
        total = tf.reduce_sum(outputs * upstream)
    return outputs.numpy(), tape.gradient(total, features).numpy(), upstream


def pooled_by_torch(pool, features, regions, upstream):
    features = torch.tensor(features.transpose(0, 3, 1, 2)).requires_grad_()
    outputs = pool(features, [torch.tensor(each) for each in regions])
    batch, n, height, width, channels = upstream.shape
    like_ours = outputs.reshape(batch, n, channels, height, width).permute(0, 1, 3, 4, 2)
    (like_ours * torch.tensor(upstream)).sum().backward()
    return like_ours.detach().numpy(), features.grad.numpy().transpose(0, 2, 3, 1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("size", "samples", "stride"), [(7, 2, 16), (14, 2, 4), (3, 1, 8)])
def test_roi_align(seed, size, samples, stride):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(2, 9, 13, 5)).astype(np.float32)
    regions = random_boxes(rng, (2, 20), 11 * stride)

    def ours(features, regions):
        return roi_features.roi_align(features, regions, stride, size, samples)

    def theirs(features, regions):
        return torchvision.ops.roi_align(features, regions, size, 1 / stride, samples, aligned=True)

    outputs, gradient, upstream = pooled(ours, features, regions)
    expected = pooled_by_torch(theirs, features, regions, upstream)
    np.testing.assert_allclose(outputs, expected[0], atol=1e-4)
    np.testing.assert_allclose(gradient, expected[1], atol=1e-4)
    assert np.abs(outputs).max() > 1


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("size", "stride"), [(7, 16), (14, 4), (2, 8), (1, 4)])
def test_roi_max(seed, size, stride):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(2, 9, 13, 5)).astype(np.float32)
    image = np.array([13, 9, 13, 9], np.float32) * stride
    regions = np.clip(random_boxes(rng, (2, 20), 11 * stride), 0, image)

    def theirs(features, regions):
        return torchvision.ops.roi_pool(features, regions, size, 1 / stride)

    outputs, gradient, upstream = pooled(
        lambda *inputs: roi_features.roi_max(*inputs, stride, size), features, regions
    )
    expected = pooled_by_torch(theirs, features, regions, upstream)
    np.testing.assert_array_equal(outputs, expected[0])
    np.testing.assert_allclose(gradient, expected[1], atol=1e-4)
    assert np.abs(outputs).max() > 1


@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0, 1.0), (10.0, 10.0, 5.0, 5.0)])
def test_box_coding(weights):
    rng = np.random.default_rng(1)
    reference, found = random_boxes(rng, (50,), 200), random_boxes(rng, (50,), 200)
    coder = BoxCoder(weights)
    stddevs = tuple(1 / weight for weight in weights)
    deltas = coder.encode_single(torch.tensor(found), torch.tensor(reference)).numpy()
    np.testing.assert_allclose(boxes.encode(found, reference, stddevs), deltas, atol=1e-4)
    large = np.concatenate([deltas, rng.normal(size=(50, 4)).astype(np.float32) * 30])
    references = np.concatenate([reference, reference])
    theirs = coder.decode_single(torch.tensor(large), torch.tensor(references)).numpy()
    ours = boxes.decode(tf.constant(large), references, stddevs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-2)


def test_iou():
    rng = np.random.default_rng(2)
    one, other = random_boxes(rng, (30,), 100), random_boxes(rng, (40,), 100)
    theirs = torchvision.ops.box_iou(torch.tensor(one), torch.tensor(other)).numpy()
    np.testing.assert_allclose(boxes.iou(one, other), theirs, atol=1e-6)


def test_anchors():
    # Torchvision rounds half sides to whole pixels; of these there are no others.
    scales, ratios, stride = (32, 64), (0.25, 1.0, 4.0), 16
    generator = AnchorGenerator((scales,), (ratios,))
    images = ImageList(torch.zeros(1, 3, 4 * stride, 6 * stride), [(4 * stride, 6 * stride)])
    theirs = generator(images, [torch.zeros(1, 8, 4, 6)])[0].numpy()
    spec = AnchorSpec(scales=tuple(map(float, scales)), ratios=ratios)
    # Its centres are the pixels' corners, ours the middles of what a place stands for.
    np.testing.assert_allclose(anchors(spec, stride, 4, 6) - stride / 2, theirs, atol=1e-4)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("most", [0.3, 0.7])
def test_proposals(seed, most):
    """Scores, deltas and anchors to what is left after suppression."""
    rng = np.random.default_rng(seed)
    reference = random_boxes(rng, (400,), 200)
    scores = rng.normal(size=400).astype(np.float32)
    deltas = rng.normal(size=(400, 4)).astype(np.float32) * 0.2
    spec = ProposalSpec(test_before_nms=300, test_count=50, nms_iou=most, min_side=12.0)
    found = proposals(
        spec,
        tf.constant(scores[None]),
        tf.constant(deltas[None]),
        tf.constant(reference),
        tf.constant([[180, 200]]),
        training=False,
    )
    ops, best = torchvision.ops, np.argsort(-scores)[:300]
    decoded = boxes.decode(tf.constant(deltas[best]), reference[best], (1.0,) * 4).numpy()
    cut = ops.clip_boxes_to_image(torch.tensor(decoded), (180, 200))
    large = ops.remove_small_boxes(cut, 12.0)
    kept = ops.nms(cut[large], torch.tensor(scores[best])[large], most)[:50]
    theirs = cut[large][kept].numpy()
    assert 5 < len(theirs) <= 50
    assert found.valid.numpy().sum() == len(theirs)
    np.testing.assert_allclose(found.boxes[0, : len(theirs)], theirs, atol=1e-3)

"""The loss of approximate joint training ([Faster], section 3.2)."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from benchmark.detection.anchors import anchors
from benchmark.detection.faster_rcnn import FasterRCNN
from benchmark.detection.losses import region_losses, rpn_losses
from benchmark.detection.matching import Truth
from benchmark.detection.proposals import proposals
from benchmark.detection.sampling import ANCHORS, REGIONS, key
from benchmark.detection.targets import anchor_targets, region_targets

Normalize = Callable[[tf.Tensor], tf.Tensor]
"""Maps pixels (batch, height, width, 3) uint8, red first, to a net's input: a Normalization, which
must be ``of_any_size``."""


class Losses(NamedTuple):
    """Scalars, float32, from before the step, without the weight penalty."""

    total: tf.Tensor
    """The sum of the others."""
    objectness: tf.Tensor
    """RPN: is there an object?"""
    proposals: tf.Tensor
    """RPN: where is it? Multiplied by its weight."""
    classes: tf.Tensor
    """Regions: what is it?"""
    boxes: tf.Tensor
    """Regions: where is it?"""


def images(normalize: Normalize, pixels: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
    """Return a net's input: pixels (batch, height, width, 3) uint8, normalized, and 0 outside the
    images, which have ``sizes`` (batch, 2) and lie in the top left corner."""
    height, width = tf.unstack(sizes[:, :, None], axis=1)
    down = tf.range(pixels.shape[1]) < height
    right = tf.range(pixels.shape[2]) < width
    return tf.where((down[:, :, None] & right[:, None])[..., None], normalize(pixels), 0.0)


def losses(
    net: FasterRCNN, inputs: tf.Tensor, sizes: tf.Tensor, truth: Truth, seed: int, step: tf.Tensor
) -> Losses:
    """Return the losses of a batch of ``images``; the choice of what it is trained on depends only
    on the seed and ``step``, a scalar int64 unique to this batch."""
    spec = net.spec
    features = net.features(inputs, training=True)
    _, height, width, _ = features.shape
    all_anchors = tf.constant(anchors(spec.anchors, net.stride, height, width))
    objectness, deltas = net.propose(features)
    wanted = anchor_targets(spec, all_anchors, truth, sizes, key(seed, step, ANCHORS))
    rpn = rpn_losses(objectness, deltas, wanted, height * width, spec.rpn.box_weight)
    found = proposals(spec.proposals, objectness, deltas, all_anchors, sizes, training=True)
    regions = region_targets(spec, found, truth, key(seed, step, REGIONS))
    logits, box_deltas = net.classify(features, regions.boxes, sizes, training=True)
    parts = (*rpn, *region_losses(logits, box_deltas, regions))
    return Losses(parts[0] + parts[1] + parts[2] + parts[3], *parts)

"""The targets of a step's anchors and regions."""

from typing import NamedTuple

import tensorflow as tf

from benchmark.detection import boxes
from benchmark.detection.matching import POSITIVE, Truth, match_anchors, match_regions
from benchmark.detection.proposals import RPN_STDDEVS, Proposals
from benchmark.detection.sampling import sample
from benchmark.spec.detector import DetectorSpec


class AnchorTargets(NamedTuple):
    """The targets of the anchors in the sample."""

    index: tf.Tensor
    """(batch, n) int64, among all anchors."""
    chosen: tf.Tensor
    """(batch, n) bool: false for padding."""
    positive: tf.Tensor
    """(batch, n) bool."""
    deltas: tf.Tensor
    """(batch, n, 4); used where ``positive``."""


class RegionTargets(NamedTuple):
    """The targets of the regions in the sample."""

    boxes: tf.Tensor
    """(batch, n, 4): the regions."""
    chosen: tf.Tensor
    """(batch, n) bool: false for padding."""
    labels: tf.Tensor
    """(batch, n) int64: 0 for the background, classes from 1 on."""
    deltas: tf.Tensor
    """(batch, n, 4); used where the label is not 0."""


def anchor_targets(
    spec: DetectorSpec, anchors: tf.Tensor, truth: Truth, sizes: tf.Tensor, key: tf.Tensor
) -> AnchorTargets:
    """Sample ``spec.rpn.batch`` of the anchors (n, 4) per image and return their targets."""
    matches = match_anchors(spec, anchors, truth, sizes)
    drawn = sample(matches.kinds, spec.rpn.batch, spec.rpn.positive_share, key)
    kinds = tf.gather(matches.kinds, drawn.index, batch_dims=1)
    found = _gathered(truth.boxes, matches.index, drawn.index)
    deltas = boxes.encode(found, tf.gather(anchors, drawn.index), RPN_STDDEVS)
    positive = drawn.chosen & (kinds == POSITIVE)
    return AnchorTargets(drawn.index, drawn.chosen, positive, deltas)


def region_targets(
    spec: DetectorSpec, proposals: Proposals, truth: Truth, key: tf.Tensor
) -> RegionTargets:
    """Sample ``spec.regions.batch`` of the proposals per image and return their targets. The true
    boxes are added, as in py-faster-rcnn: else an untrained RPN would leave no positive ones."""
    own = spec.regions
    regions = tf.concat([proposals.boxes, truth.boxes], 1)
    valid = tf.concat([proposals.valid, truth.objects], 1)
    matches = match_regions(spec, regions, valid, truth)
    drawn = sample(matches.kinds, own.batch, own.positive_share, key)
    kinds = tf.gather(matches.kinds, drawn.index, batch_dims=1)
    chosen = tf.gather(regions, drawn.index, batch_dims=1)
    found = _gathered(truth.boxes, matches.index, drawn.index)
    labels = _gathered(truth.labels, matches.index, drawn.index) + 1
    return RegionTargets(
        boxes=chosen,
        chosen=drawn.chosen,
        labels=tf.where(drawn.chosen & (kinds == POSITIVE), labels, tf.zeros_like(labels)),
        deltas=boxes.encode(found, chosen, own.box_stddevs),
    )


def _gathered(of_truth: tf.Tensor, match: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """Look up ``of_truth`` for the true box that each sampled one overlaps the most."""
    return tf.gather(of_truth, tf.gather(match, index, batch_dims=1), batch_dims=1)

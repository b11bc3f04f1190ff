"""Which anchors and regions are positive, which negative, and for which true box."""

from typing import NamedTuple

import tensorflow as tf

from benchmark.detection import boxes
from benchmark.detection.anchors import inside
from benchmark.spec.detector import DetectorSpec, RegionSpec

POSITIVE, NEGATIVE, NEITHER = 1, 0, -1


class Truth(NamedTuple):
    """The objects in a batch of images."""

    boxes: tf.Tensor
    """(batch, most, 4), zeros for padding."""
    labels: tf.Tensor
    """(batch, most) int64, -1 for padding."""
    crowds: tf.Tensor
    """(batch, most) bool: regions that are neither objects to find nor background."""

    @property
    def objects(self) -> tf.Tensor:
        """(batch, most) bool: the objects to find."""
        return (self.labels >= 0) & ~self.crowds

    @property
    def ignored(self) -> tf.Tensor:
        """(batch, most) bool: the crowds."""
        return (self.labels >= 0) & self.crowds


class Matches(NamedTuple):
    """The matches of anchors or regions."""

    kinds: tf.Tensor
    """(batch, n) int64: POSITIVE, NEGATIVE or NEITHER."""
    index: tf.Tensor
    """(batch, n) int32: the true box with the largest overlap."""


def match_anchors(
    spec: DetectorSpec, anchors: tf.Tensor, truth: Truth, sizes: tf.Tensor
) -> Matches:
    """Match anchors (n, 4) in each image ([Faster], section 3.1.2). Crowds: see DetectorSpec."""
    candidates = (
        inside(anchors, sizes)
        if spec.rpn.inside_only
        else tf.ones((sizes.shape[0], len(anchors)), tf.bool)
    )
    overlaps = _overlaps(tf.repeat(anchors[None], sizes.shape[0], 0), candidates, truth)
    most = tf.reduce_max(overlaps, 2)
    best = tf.reduce_max(overlaps, 1, keepdims=True)  # For each true box.
    is_best = tf.reduce_any((overlaps == best) & (overlaps > 0), 2)
    positive = candidates & ((most >= spec.rpn.positive_iou) | is_best)
    negative = candidates & ~positive & (most < spec.rpn.negative_iou)
    negative &= ~_in_a_crowd(anchors[None], truth, spec.crowd_overlap)
    return Matches(_kinds(positive, negative), tf.argmax(overlaps, 2, tf.int32))


def match_regions(
    spec: DetectorSpec, regions: tf.Tensor, valid: tf.Tensor, truth: Truth
) -> Matches:
    """Match regions (batch, n, 4), padding where not ``valid`` (batch, n) ([Fast], section 2.3)."""
    own: RegionSpec = spec.regions
    overlaps = _overlaps(regions, valid, truth)
    most = tf.reduce_max(overlaps, 2)
    positive = valid & (most >= own.positive_iou) & (most > 0)
    negative = valid & ~positive & (most >= own.negative_iou)
    negative &= ~_in_a_crowd(regions, truth, spec.crowd_overlap)
    return Matches(_kinds(positive, negative), tf.argmax(overlaps, 2, tf.int32))


def _overlaps(candidates: tf.Tensor, valid: tf.Tensor, truth: Truth) -> tf.Tensor:
    """Return (batch, n, most): 0 where there is no object or no candidate."""
    both = valid[:, :, None] & truth.objects[:, None]
    return tf.where(both, boxes.iou(candidates, truth.boxes), 0.0)


def _in_a_crowd(candidates: tf.Tensor, truth: Truth, share: float) -> tf.Tensor:
    within = boxes.share_within(candidates, truth.boxes)
    return tf.reduce_any((within >= share) & truth.ignored[:, None], 2)


def _kinds(positive: tf.Tensor, negative: tf.Tensor) -> tf.Tensor:
    kind, other, neither = (tf.constant(each, tf.int64) for each in (POSITIVE, NEGATIVE, NEITHER))
    return tf.where(positive, kind, tf.where(negative, other, neither))

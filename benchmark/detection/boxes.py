"""Arithmetic on boxes."""

import math

import tensorflow as tf
from keras.utils import bounding_boxes

MAX_GROWTH = math.log(1000 / 16)
"""A predicted log growth is capped at this, so that no box overflows (as in py-faster-rcnn's
successor, Detectron)."""


def iou(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """Return the intersection over union: (..., n, 4) and (..., m, 4) to (..., n, m), with one
    batch axis or none. It is 0 for boxes without area."""
    return bounding_boxes.compute_iou(one, other, "xyxy")


def share_within(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """Return the fraction of each of ``one`` that lies within each of ``other``: (..., n, 4) and
    (..., m, 4) to (..., n, m), from 0 to 1. It is 0 for boxes without area."""
    a, b = one[..., :, None, :], other[..., None, :, :]
    low = tf.maximum(a[..., :2], b[..., :2])
    high = tf.minimum(a[..., 2:], b[..., 2:])
    common = tf.reduce_prod(tf.maximum(high - low, 0.0), -1)
    return tf.math.divide_no_nan(common, tf.reduce_prod(sides(a), -1))


def sides(boxes: tf.Tensor) -> tf.Tensor:
    """Map (..., 4) to (..., 2): width and height."""
    return boxes[..., 2:] - boxes[..., :2]


def encode(boxes: tf.Tensor, reference: tf.Tensor, stddevs: tuple[float, ...]) -> tf.Tensor:
    """Return what must be predicted at ``reference`` for ``boxes``, both (..., 4): shifts of the
    centre divided by width and height, and logarithms of the growth in width and height, each
    divided by its own of ``stddevs`` ([Faster], equation 2)."""
    deltas = bounding_boxes.encode_box_to_deltas(reference, boxes, "xyxy", "xyxy", "center_xywh")
    return deltas / tf.constant(stddevs)


def decode(deltas: tf.Tensor, reference: tf.Tensor, stddevs: tuple[float, ...]) -> tf.Tensor:
    """Invert ``encode``: return the boxes of ``deltas``, at most 62.5 times as wide and high as
    ``reference``."""
    deltas = deltas * tf.constant(stddevs)
    deltas = tf.concat([deltas[..., :2], tf.minimum(deltas[..., 2:], MAX_GROWTH)], -1)
    return bounding_boxes.decode_deltas_to_boxes(reference, deltas, "xyxy", "xyxy", "center_xywh")


def whole(sizes: tf.Tensor) -> tf.Tensor:
    """Map heights and widths (batch, 2), of any type, to the boxes of whole images (batch, 4)."""
    height, width = tf.unstack(tf.cast(sizes, tf.float32), axis=1)
    return tf.stack([tf.zeros_like(width), tf.zeros_like(height), width, height], 1)


def clip(boxes: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
    """Cut (batch, ..., 4) at the borders of images of ``sizes`` (batch, 2)."""
    corner = whole(sizes)[:, 2:]
    for _ in range(boxes.shape.rank - 2):
        corner = corner[:, None]
    return tf.clip_by_value(boxes, 0.0, tf.concat([corner, corner], -1))

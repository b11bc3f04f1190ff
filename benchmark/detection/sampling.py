"""Which anchors and regions a step is trained on: a pure function of (seed, step), but a different
one under XLA, which draws other numbers from the same keys."""

from typing import NamedTuple

import tensorflow as tf

from benchmark.detection.matching import NEGATIVE, POSITIVE

ANCHORS, REGIONS = 0, 1
"""What numbers are drawn for. Each purpose has its own stream."""


class Sample(NamedTuple):
    """The sampled candidates of each image: first the positive ones, then the negative ones."""

    index: tf.Tensor
    """(batch, total) int64; arbitrary where not ``chosen``."""
    chosen: tf.Tensor
    """(batch, total) bool: false at the end if there are too few candidates."""


def key(seed: int, step: tf.Tensor, purpose: int) -> tf.Tensor:
    """Return (2,) int64, the key of the draws of ``step`` (a scalar)."""
    return tf.stack([tf.constant(seed, tf.int64), tf.cast(step, tf.int64) * 2 + purpose])


def sample(kinds: tf.Tensor, total: int, positive_share: float, key: tf.Tensor) -> Sample:
    """Choose at random from ``kinds`` (batch, n): ``total`` per image, with at most
    ``positive_share`` positive; negative ones fill the rest. At most n are chosen."""
    total = min(total, kinds.shape[1])
    draws = tf.random.stateless_uniform(tf.shape(kinds), key, alg="philox")
    positive, positives = _ordered(draws, kinds == POSITIVE, total)
    negative, negatives = _ordered(draws, kinds == NEGATIVE, total)
    positives = tf.minimum(positives, int(total * positive_share))
    place = tf.range(total, dtype=tf.int64)[None]
    index = tf.where(
        place < positives,
        positive,
        tf.gather(negative, tf.maximum(place - positives, 0), batch_dims=1),
    )
    return Sample(index, place < positives + negatives)


def _ordered(draws: tf.Tensor, wanted: tf.Tensor, max_count: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the ``wanted`` ones, highest draws first: (batch, max_count), and how many there are
    (batch, 1)."""
    values, index = tf.math.top_k(tf.where(wanted, draws, -1.0), max_count)
    # In int64: on a GPU, int32 arithmetic runs on the host.
    count = tf.reduce_sum(tf.cast(values >= 0, tf.int64), 1, keepdims=True)
    return tf.cast(index, tf.int64), count

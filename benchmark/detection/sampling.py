"""Which anchors and regions a step is trained on: a pure function of (seed, step), but a different
one under XLA, which draws different numbers from the same keys."""

from typing import NamedTuple

import tensorflow as tf

from benchmark.detection.matching import NEGATIVE, POSITIVE

ANCHORS, REGIONS = 0, 1
"""Purposes for which numbers are drawn. Each has its own stream."""


class Sample(NamedTuple):
    """A sample of each image's candidates: first the positives, then the negatives."""

    index: tf.Tensor
    """(batch, total) int64; anything where not ``chosen``."""
    chosen: tf.Tensor
    """(batch, total) bool: false at the end, where there were too few candidates."""


def key(seed: int, step: tf.Tensor, purpose: int) -> tf.Tensor:
    """Return (2,) int64, the key for the draws of ``step`` (a scalar)."""
    return tf.stack([tf.constant(seed, tf.int64), tf.cast(step, tf.int64) * 2 + purpose])


def sample(kinds: tf.Tensor, total: int, positive_share: float, key: tf.Tensor) -> Sample:
    """Choose ``total`` per image from ``kinds`` (batch, n) at random: at most the given share is
    positive, negatives fill the rest. If n is less than ``total``, fewer are chosen."""
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
    """Return those ``wanted``, with the highest draws first: (batch, max_count), and how many there
    are (batch, 1)."""
    values, index = tf.math.top_k(tf.where(wanted, draws, -1.0), max_count)
    # In int64: for a GPU, int32 arithmetic runs on the host.
    count = tf.reduce_sum(tf.cast(values >= 0, tf.int64), 1, keepdims=True)
    return tf.cast(index, tf.int64), count

"""Which anchors and regions a step is trained on: a pure function of (seed, step), and another one
under XLA, which draws other numbers by the same keys."""

from typing import NamedTuple

import tensorflow as tf

from benchmark.detection.matching import NEGATIVE, POSITIVE

ANCHORS, REGIONS = 0, 1
"""What numbers are drawn for. Each purpose has a stream of its own."""


class Sample(NamedTuple):
    """Of the candidates of each image: first the positive ones, then the negative ones."""

    index: tf.Tensor
    """(batch, total) int64; anything where not ``chosen``."""
    chosen: tf.Tensor
    """(batch, total) bool: false at the end, where there were too few candidates."""


def key(seed: int, step: tf.Tensor, purpose: int) -> tf.Tensor:
    """(2,) int64, what the draws of ``step`` (a scalar) are keyed by."""
    return tf.stack([tf.constant(seed, tf.int64), tf.cast(step, tf.int64) * 2 + purpose])


def sample(kinds: tf.Tensor, total: int, positive_share: float, key: tf.Tensor) -> Sample:
    """Choose at random of ``kinds`` (batch, n): ``total`` an image, of which at most the share is
    positive; negative ones fill the rest. Where n is less than ``total``, so is what is chosen."""
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
    """Those ``wanted`` with the highest draws first: (batch, max_count), and how many there are of
    them (batch, 1)."""
    values, index = tf.math.top_k(tf.where(wanted, draws, -1.0), max_count)
    # In int64: on a GPU the arithmetic of int32 is the host's.
    count = tf.reduce_sum(tf.cast(values >= 0, tf.int64), 1, keepdims=True)
    return tf.cast(index, tf.int64), count

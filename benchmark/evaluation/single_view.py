"""The error on the single original view of each image (section 4.2)."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from benchmark.data.feed import Feed


@dataclass(frozen=True)
class Scores:
    """A net's predictions, by image."""

    predictions: np.ndarray
    labels: np.ndarray
    losses: np.ndarray
    """Cross-entropy of each image."""

    @property
    def error_percent(self) -> float:
        """Top-1 error."""
        return float(100 * np.mean(self.predictions != self.labels))

    @property
    def loss(self) -> float:
        """Mean cross-entropy."""
        return float(np.mean(self.losses, dtype=np.float64))


def scorer(model: keras.Model, data: Feed, batch_size: int) -> Callable[[], Scores]:
    """A function that scores ``model``, as it is at each call, on ``data``'s scored split."""

    @tf.function(reduce_retracing=True)
    def score(*inputs):
        images, labels = data.scored_batch(*inputs)
        logits = model(images, training=False)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        return tf.argmax(logits, axis=1, output_type=tf.int32), labels, losses

    def scores() -> Scores:
        parts = [score(*inputs) for inputs in data.scored_inputs(batch_size)]
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        count = data.scored_count
        if any(len(column) != count for column in columns):
            raise RuntimeError(f"{count} images must be scored once. Scored: {len(columns[0])}")
        return Scores(*columns)

    return scores

"""The error on a single view of each image: the original (section 4.2) or the center crop."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from benchmark.data.feed import Feed
from benchmark.models.folding import inference_model
from benchmark.spec import RunSpec

FEW_CLASSES = 10
"""With this many classes or fewer, top-5 error says little and is not computed."""


@dataclass(frozen=True)
class Scores:
    """A net's predictions, image by image."""

    predictions: np.ndarray
    labels: np.ndarray
    losses: np.ndarray
    """Cross-entropy of each image."""
    in_top5: np.ndarray
    """Whether the label is among the five best; empty if there are few classes."""

    @property
    def error_percent(self) -> float:
        """Top-1 error."""
        return float(100 * np.mean(self.predictions != self.labels))

    @property
    def top5_error_percent(self) -> float | None:
        """Top-5 error; None if there are few classes."""
        return float(100 - 100 * np.mean(self.in_top5)) if self.in_top5.size else None

    @property
    def loss(self) -> float:
        """Mean cross-entropy."""
        return float(np.mean(self.losses, dtype=np.float64))


def scorer(model: keras.Model, data: Feed, split: str, batch_size: int) -> Callable[[], Scores]:
    """Return a function that scores ``model`` in its current state on a split of ``data``."""
    score = batch_scorer(model, data, split)

    def scores() -> Scores:
        parts = [score(*inputs) for inputs in data.scored_inputs(split, batch_size)]
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        count = data.scored_counts[split]
        if any(len(column) != count for column in columns):
            raise RuntimeError(f"{count} images must be scored once. Scored: {len(columns[0])}")
        return Scores(*columns, *[np.empty(0, bool)] * (4 - len(columns)))

    return scores


def batch_scorer(
    model: keras.Model, data: Feed, split: str
) -> tf.types.experimental.PolymorphicFunction:
    """Return a function from a batch's scored inputs to predictions, labels, losses and, if top-5
    error is computed, whether the label is among the five best."""

    @tf.function(autograph=False, reduce_retracing=True)
    def score(*inputs: tf.Tensor) -> tuple[tf.Tensor, ...]:
        images, labels = data.scored_batch(split, *inputs)
        logits = model(images, training=False)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        columns = tf.argmax(logits, axis=1, output_type=tf.int32), labels, losses
        if logits.shape[1] <= FEW_CLASSES:
            return columns
        return *columns, tf.math.in_top_k(labels, logits, 5)

    return score


def scorer_of(spec: RunSpec, model: keras.Model, data: Feed) -> Callable[[str], Scores]:
    """Return a function that scores a run's net on one of its splits, like ``scorer`` but with the
    faster inference model."""
    net, take_over = inference_model(
        spec.model, model, spec.dataset.image_shape, spec.dataset.classes
    )
    of = {split: scorer(net, data, split, spec.evaluation.batch_size) for split in spec.splits}

    def score_as_it_is(split: str) -> Scores:
        take_over()
        return of[split]()

    return score_as_it_is

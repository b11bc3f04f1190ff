"""Batch normalisation's statistics as exact averages, computed after training."""

from collections.abc import Callable, Iterable

import keras
import numpy as np
import tensorflow as tf

from benchmark.data.feed import Feed, Tensors
from benchmark.models.batch_norm import BatchNormalization


def recompute(model: keras.Model, data: Feed, batches: Iterable[Tensors]) -> None:
    """Set the moving mean and variance of each layer to those over all images of ``batches``, each
    the train inputs of one batch. In each layer, a batch is normalised by its own statistics, as in
    training on one replica; each of several would normalise by those of its own part.

    The variance is that of the pooled batches, from each batch's biased variance. The authors'
    release describes its statistics like this, and the paper those of detectors (appendix A).
    """
    layers = [layer for layer in model.layers if isinstance(layer, BatchNormalization)]
    statistics_of = _statistics_of(model, layers, data)
    sums = np.zeros(())
    count = 0
    for inputs in batches:
        means, variances = (np.concatenate(part) for part in statistics_of(*inputs))
        sums = sums + np.stack((means, variances + means**2))
        count += 1
    means, squares = sums / count
    ends = np.cumsum([layer.moving_mean.shape[0] for layer in layers])[:-1]
    of_layers = zip(layers, np.split(means, ends), np.split(squares - means**2, ends), strict=True)
    for layer, mean, variance in of_layers:
        layer.moving_mean.assign(mean.astype(np.float32))
        layer.moving_variance.assign(variance.astype(np.float32))


def _statistics_of(
    model: keras.Model, layers: list[BatchNormalization], data: Feed
) -> Callable[..., tuple[list[np.ndarray], list[np.ndarray]]]:
    """Return a function from a batch's train inputs to each layer's mean and variance, float64."""

    @tf.function(autograph=False)
    def forward(*inputs: tf.Tensor) -> None:
        images, _ = data.train_batch(*inputs)
        model(images, training=True)

    def found(*inputs: tf.Tensor) -> tuple[list[np.ndarray], list[np.ndarray]]:
        momenta = [layer.momentum for layer in layers]
        try:
            for layer in layers:
                layer.momentum = 0.0  # So that the moving statistic is the batch's.
            forward(*inputs)
        finally:
            for layer, momentum in zip(layers, momenta, strict=True):
                layer.momentum = momentum
        means = [layer.moving_mean.numpy().astype(np.float64) for layer in layers]
        return means, [layer.moving_variance.numpy().astype(np.float64) for layer in layers]

    return found

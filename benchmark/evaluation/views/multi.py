"""Class probabilities averaged over several views of each image."""

from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from benchmark.data.feed import Feed
from benchmark.data.normalization import Normalization
from benchmark.evaluation.views.protocols import Pass, Protocol
from benchmark.models.folding import inference_model
from benchmark.spec import RunSpec

SPLIT = "test"
"""The split that is tested on several views."""

BATCH_VIEWS = 100
"""Number of views in a batch if they are all one size; one image's views are never split up."""


def scored_in_parts(
    spec: RunSpec, model: keras.Model, data: Feed, protocol: Protocol, part: int, first: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield, for each ``part`` test images in order from ``first`` on, the probabilities (images,
    classes) float32, averaged over all views, and the labels (images,).

    ``model``: a net from ``build_model``. Raises RuntimeError unless each image is scored once.
    """
    net = _net_of_any_size(spec, model, sliding=protocol.sliding)
    passes = [_Scored(net, data, each, first) for each in protocol.passes]
    for start in range(first, data.scored_counts[SPLIT], part):
        count = min(part, data.scored_counts[SPLIT] - start)
        sums: np.ndarray = np.zeros(())
        for each in passes:
            found, labels = each.next(count)
            if len(found) != count:
                raise RuntimeError(f"{count} images must be scored once. Scored: {len(found)}")
            sums = sums + found
        yield (sums / protocol.views).astype(np.float32), labels


class _Scored:
    """One pass over the images, with its progress."""

    def __init__(self, net: keras.Model, data: Feed, views: Pass, first: int):
        self.batch = max(1, BATCH_VIEWS // views.count) if views.one_size else 1
        self.batches = data.scored_views(SPLIT, views.views, views.count, self.batch, first)
        # For images that are not of the training size there is no mean image.
        normalization = data.normalization
        self.score = score_of(net, normalization if views.one_size else normalization.of_any_size())
        self.ready: list[tuple[np.ndarray, np.ndarray]] = []

    def next(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the next images' probabilities, float64, summed over the views, and labels."""
        there = sum(len(labels) for _, labels in self.ready)
        while there < count and (batch := next(self.batches, None)):
            pixels, labels = batch
            self.ready.append((self.score(pixels).numpy(), labels.numpy()))
            there += len(labels)
        sums, labels = (np.concatenate(column) for column in zip(*self.ready, strict=True))
        self.ready = [(sums[count:], labels[count:])]
        return sums[:count], labels[:count]


def _net_of_any_size(spec: RunSpec, model: keras.Model, *, sliding: bool) -> keras.Model:
    """Return the model for inference on images of any height and width."""
    window = model.get_layer("pool").input.shape[1] if sliding else None
    classes = model.output_shape[-1]
    net, take_over = inference_model(spec.model, model, (None, None, 3), classes, window)
    take_over()
    return net


def score_of(net: keras.Model, normalization: Normalization) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return a function from pixels (batch, views, height, width, 3) uint8 to probabilities summed
    over the views: (batch, classes) float64."""

    @tf.function(autograph=False, reduce_retracing=True)
    def score(pixels: tf.Tensor) -> tf.Tensor:
        size = tf.shape(pixels)
        images = normalization(tf.reshape(pixels, (-1, size[2], size[3], 3)))
        probabilities = tf.cast(tf.nn.softmax(net(images, training=False)), tf.float64)
        return tf.reduce_sum(tf.reshape(probabilities, (size[0], size[1], net.output_shape[-1])), 1)

    return score

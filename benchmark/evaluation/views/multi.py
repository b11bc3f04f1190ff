"""Class probabilities, each the mean over several views of an image."""

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
"""The images that are looked at in several ways."""

BATCH_VIEWS = 100
"""Views that are scored at a time, where they are of one size; an image's are never parted."""


def scored_in_parts(
    spec: RunSpec, model: keras.Model, data: Feed, protocol: Protocol, part: int, first: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each ``part`` of the test images from ``first`` on, in order: probabilities (images,
    classes) float32, the mean over all views, and labels (images,).

    ``model``: a net of ``build_model``. Each image is scored exactly once, or RuntimeError raised.
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
    """One pass over the images, as far as it has come."""

    def __init__(self, net: keras.Model, data: Feed, views: Pass, first: int):
        self.batch = max(1, BATCH_VIEWS // views.count) if views.one_size else 1
        self.batches = data.scored_views(SPLIT, views.views, views.count, self.batch, first)
        # What is not of the size that it was trained on has no mean image of its own.
        normalization = data.normalization
        self.score = score_of(net, normalization if views.one_size else normalization.of_any_size())
        self.ready: list[tuple[np.ndarray, np.ndarray]] = []

    def next(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Sums of probabilities over the views, float64, of the next images, and their labels."""
        there = sum(len(labels) for _, labels in self.ready)
        while there < count and (batch := next(self.batches, None)):
            pixels, labels = batch
            self.ready.append((self.score(pixels).numpy(), labels.numpy()))
            there += len(labels)
        sums, labels = (np.concatenate(column) for column in zip(*self.ready, strict=True))
        self.ready = [(sums[count:], labels[count:])]
        return sums[:count], labels[:count]


def _net_of_any_size(spec: RunSpec, model: keras.Model, *, sliding: bool) -> keras.Model:
    """The same function of images of any height and width, in inference."""
    window = model.get_layer("pool").input.shape[1] if sliding else None
    classes = model.output_shape[-1]
    net, take_over = inference_model(spec.model, model, (None, None, 3), classes, window)
    take_over()
    return net


def score_of(net: keras.Model, normalization: Normalization) -> Callable[[tf.Tensor], tf.Tensor]:
    """From pixels (batch, views, height, width, 3) uint8 to the sums, float64, of their
    probabilities over the views: (batch, classes)."""

    @tf.function(reduce_retracing=True)
    def score(pixels: tf.Tensor) -> tf.Tensor:
        size = tf.shape(pixels)
        images = normalization(tf.reshape(pixels, (-1, size[2], size[3], 3)))
        probabilities = tf.cast(tf.nn.softmax(net(images, training=False)), tf.float64)
        return tf.reduce_sum(tf.reshape(probabilities, (size[0], size[1], net.output_shape[-1])), 1)

    return score

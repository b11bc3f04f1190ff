"""The standard deviation of each layer's responses (figure 7)."""

from collections.abc import Callable

import keras
import tensorflow as tf

from benchmark.data.feed import Feed
from benchmark.models.build import build_model
from benchmark.models.families import net_of
from benchmark.spec import RunSpec

IMAGES = 500
"""Number of images, the first of the test split."""


def layer_responses(
    spec: RunSpec, model: keras.Model, data: Feed
) -> Callable[[], dict[str, float]]:
    """Return a function that measures the current state of ``model`` without changing it.

    It returns, for each convolution from first to last, without projections, the standard deviation
    of its outputs over images, pixels and channels: after batch normalisation (with the statistics
    of these images, as in training; also of layers that are frozen, which train with kept ones) and
    before addition and nonlinearity.
    """
    twin = build_model(
        spec.model.without_dropout(),
        spec.dataset.image_shape,
        spec.dataset.classes,
        spec.head_classes,
    )
    layers = net_of(spec.model).responding_layers(spec.model)
    outputs = [twin.get_layer(name).output for name in layers.values()]
    inner = keras.Model(twin.input, outputs)

    first = next(data.scored_inputs("test", IMAGES))

    @tf.function(autograph=False)
    def measured() -> tf.Tensor:
        for own, weight in zip(twin.weights, model.weights, strict=True):
            own.assign(weight)
        images, _ = data.scored_batch("test", *first)
        responses = inner(images, training=True)
        return tf.stack([tf.math.reduce_std(tf.cast(each, tf.float32)) for each in responses])

    return lambda: dict(zip(layers, map(float, measured()), strict=True))

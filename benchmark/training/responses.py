"""How strongly each layer responds (figure 7)."""

from collections.abc import Callable

import keras
import tensorflow as tf

from benchmark.data.feed import Feed
from benchmark.models.layout import blocks
from benchmark.models.resnet import build_resnet
from benchmark.spec import ResNetSpec, RunSpec

IMAGES = 500
"""Of the test split, the first so many."""


def layer_responses(
    spec: RunSpec, model: keras.Model, data: Feed
) -> Callable[[], dict[str, float]]:
    """A function that measures ``model``, as it is at each call, and changes nothing of it.

    It returns, by convolution from the first to the last, projections left out, the standard
    deviation of its outputs over images, pixels and channels: after batch normalisation (by the
    statistics of these images, as in training) and before addition and nonlinearity.
    """
    assert isinstance(spec.model, ResNetSpec)  # RunSpec's rule.
    twin = build_resnet(
        spec.model.model_copy(update={"dropout_rate": 0.0}),
        spec.dataset.image_shape,
        spec.dataset.classes,
        spec.head_classes,
    )
    names = ["stem_conv"]
    for block in blocks(spec.model):
        names += [f"{block.name}_conv{n}" for n in range(1, len(block.convolutions) + 1)]
    normalized = [name.replace("conv", "bn") if spec.model.batch_norm else name for name in names]
    outputs = [twin.get_layer(name).output for name in normalized]
    inner = keras.Model(twin.input, outputs)

    first = next(data.scored_inputs("test", IMAGES))

    @tf.function
    def measured() -> tf.Tensor:
        for own, weight in zip(twin.weights, model.weights, strict=True):
            own.assign(weight)
        images, _ = data.scored_batch("test", *first)
        responses = inner(images, training=True)
        return tf.stack([tf.math.reduce_std(tf.cast(each, tf.float32)) for each in responses])

    return lambda: dict(zip(names, map(float, measured()), strict=True))

"""A net of Keras's own layers alone, with its preprocessing within: a file of it needs no other
package than Keras."""

import keras
import numpy as np
from keras import layers

from benchmark.data.normalization import Normalization
from benchmark.models.batch_norm import BatchNormalization
from benchmark.models.layers import MaxPooling, ZeroPadShortcut

_KERAS = {BatchNormalization: layers.BatchNormalization, MaxPooling: layers.MaxPooling2D}
"""This project's layer -> Keras's own, which takes the same configuration."""


def plain_keras(model: keras.Model, normalization: Normalization) -> keras.Model:
    """The function of ``model``, a classifier of ``build_model`` in float32, from pixels.

    (batch, height, width, 3), red first, 0 to 255 -> (batch, classes) logits. Where the net takes
    blue first, the first convolution's kernel has its input channels in reverse instead.
    """
    net = keras.models.clone_model(model, clone_function=_plain)
    for source, target in zip(model.layers, net.layers, strict=True):
        if source.weights:
            target.set_weights(source.get_weights())
        elif isinstance(source, ZeroPadShortcut):
            target.layers[-1].set_weights([_copied_channels(source)])
    if normalization.blue_first:
        first = next(layer for layer in net.layers if isinstance(layer, layers.Conv2D))
        kernel, *bias = first.get_weights()
        first.set_weights([kernel[:, :, ::-1], *bias])
    pixels = keras.Input(model.input_shape[1:], name="pixels")
    return keras.Model(pixels, net(_preprocessing(pixels, normalization)), name=model.name)


def _preprocessing(pixels: keras.KerasTensor, normalization: Normalization) -> keras.KerasTensor:
    """Pixels * scale - mean * scale, red first: an ``EinsumDense`` has both as weights, which every
    format keeps, a mean image, too."""
    mean, scale = normalization.mean, np.broadcast_to(normalization.scale, (3,))
    if normalization.blue_first:
        mean, scale = mean[..., ::-1], scale[::-1]
    axes = "bcd" if mean.ndim == 3 else "d"
    layer = layers.EinsumDense(
        "abcd,d->abcd", pixels.shape[1:], bias_axes=axes, trainable=False, name="preprocessing"
    )
    normalized = layer(pixels)
    layer.set_weights([scale, -mean * scale])
    return normalized


def _plain(layer: layers.Layer) -> layers.Layer:
    if isinstance(layer, ZeroPadShortcut):
        return _zero_pad(layer)
    config = layer.get_config() | {"dtype": "float32"}
    if "kernel_initializer" in config:
        config["kernel_initializer"] = (
            "zeros"  # The weights are set; this project's draw is its own.
        )
    return _KERAS.get(type(layer), type(layer)).from_config(config)


def _zero_pad(layer: ZeroPadShortcut) -> keras.Sequential:
    """A 1x1 convolution that copies channels, and gives zeros for those that are gained."""
    pool = layers.AveragePooling2D(layer.pool, layer.stride, padding="same")
    copy = layers.Conv2D(layer.channels, 1, use_bias=False, trainable=False)
    channels = layer.input.shape[-1]
    plain = keras.Sequential([pool, copy], name=layer.name)
    plain.build((None, None, None, channels))
    return plain


def _copied_channels(layer: ZeroPadShortcut) -> np.ndarray:
    channels = layer.input.shape[-1]
    before = (layer.channels - channels) // 2 if layer.side == "both" else 0
    return np.eye(channels, layer.channels, before, dtype=np.float32)[None, None]

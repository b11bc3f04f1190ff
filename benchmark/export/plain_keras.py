"""A net of Keras's own layers only, with its preprocessing built in, so that loading its file needs
no package other than Keras."""

import keras
import numpy as np
from keras import layers

from benchmark.data.normalization import Normalization
from benchmark.models.batch_norm import BatchNormalization
from benchmark.models.layers import MaxPooling, ZeroPadShortcut

_KERAS = {BatchNormalization: layers.BatchNormalization, MaxPooling: layers.MaxPooling2D}
"""This project's layer -> Keras's own with the same configuration."""


def plain_keras(model: keras.Model, normalization: Normalization) -> keras.Model:
    """Return ``model``, a classifier from ``build_model``, in float32 as a function of pixels.

    (batch, height, width, 3) RGB, 0 to 255 -> (batch, classes) logits. If the net expects BGR, the
    input channels of the first convolution's kernel are reversed instead.
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
    """Return pixels * scale - mean * scale, RGB: an ``EinsumDense`` has both as weights, which
    every format keeps, even for a mean image."""
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


def _plain(layer: keras.Operation) -> keras.Operation:
    if isinstance(layer, ZeroPadShortcut):
        return _zero_pad(layer)
    if not isinstance(layer, layers.Layer):  # A product, or a difference.
        return type(layer).from_config(layer.get_config())
    config = layer.get_config() | {"dtype": "float32"}
    for drawn in ("kernel_initializer", "bias_initializer"):
        if drawn in config:  # The weights are set; this project's draw is its own.
            config[drawn] = "zeros"
    return _KERAS.get(type(layer), type(layer)).from_config(config)


def _zero_pad(layer: ZeroPadShortcut) -> keras.Sequential:
    """Return average pooling and a 1x1 convolution that copies channels and zeros the new ones."""
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

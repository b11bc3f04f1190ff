"""The net that scores: batch normalisation folded into the convolutions before it."""

from collections.abc import Callable

import keras
import tensorflow as tf

from benchmark.models.build import build_model
from benchmark.models.layers import InputShape
from benchmark.spec import ModelSpec, ResNetSpec


def inference_model(
    spec: ModelSpec,
    model: keras.Model,
    input_shape: InputShape,
    num_classes: int,
    window: int | None = None,
) -> tuple[keras.Model, Callable[[], None]]:
    """A net for images of ``input_shape`` that gives the logits of ``model``, a net of
    ``build_model``, in inference. ``window``: see ``build_resnet``.

    Where there is batch normalisation, its convolutions have the moving statistics, scales and
    shifts in their kernels and biases: the same function up to rounding, with fewer operations.
    Returns it, and a function that takes over ``model``'s weights as they then are.
    """
    if isinstance(spec, ResNetSpec) and spec.batch_norm:
        return _folded_model(spec, model, input_shape, num_classes, window)
    if model.input_shape[1:] == input_shape and window is None:
        return model, lambda: None
    net = build_model(spec, input_shape, num_classes, _head_classes(model), window)
    return net, lambda: net.set_weights(model.get_weights())


def _folded_model(
    spec: ResNetSpec,
    model: keras.Model,
    input_shape: InputShape,
    num_classes: int,
    window: int | None,
) -> tuple[keras.Model, Callable[[], None]]:
    without = {"batch_norm": None, "conv_bias": True, "dropout_rate": 0.0}
    plain = spec.model_copy(update=without)
    folded = build_model(plain, input_shape, num_classes, _head_classes(model), window)
    layers = {layer.name: layer for layer in model.layers}

    @tf.function
    def take_over() -> None:
        for target in folded.layers:
            source = layers[target.name]
            if isinstance(target, keras.layers.Conv2D):
                kernel, bias = _folded(source, layers[target.name.replace("conv", "bn")])
                target.kernel.assign(kernel)
                target.bias.assign(bias)
            elif isinstance(target, keras.layers.Dense):
                target.kernel.assign(source.kernel)
                target.bias.assign(source.bias)

    return folded, take_over


def _head_classes(model: keras.Model) -> int | None:
    """With which ``build_model`` made it."""
    units = [layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    return units[0] if len(units) > 1 else None


def _folded(
    convolution: keras.layers.Conv2D, normalization: keras.layers.BatchNormalization
) -> tuple[tf.Tensor, tf.Tensor]:
    """Kernel and bias that convolve and normalise at once."""
    variance = normalization.moving_variance.value + normalization.epsilon
    scale = normalization.gamma.value * tf.math.rsqrt(variance)
    bias = 0.0 if convolution.bias is None else convolution.bias.value
    shift = normalization.beta.value + (bias - normalization.moving_mean.value) * scale
    return convolution.kernel.value * scale, shift

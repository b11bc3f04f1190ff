"""The net that scores: batch normalisation folded into the convolutions, where that can be."""

from collections.abc import Callable

import keras

from benchmark.models.build import build_model
from benchmark.models.families import net_of
from benchmark.models.layers import InputShape
from benchmark.spec import ModelSpec


def inference_model(
    spec: ModelSpec,
    model: keras.Model,
    input_shape: InputShape,
    num_classes: int,
    window: int | None = None,
) -> tuple[keras.Model, Callable[[], None]]:
    """A net for images of ``input_shape`` that gives the logits of ``model``, a net of
    ``build_model``, in inference. ``window``: see ``build_model``.

    Returns it, and a function that takes over ``model``'s weights as they then are.
    """

    def build(spec: ModelSpec) -> keras.Model:
        return build_model(spec, input_shape, num_classes, _head_classes(model), window)

    if folded := net_of(spec).folded(spec, model, build):
        return folded
    if model.input_shape[1:] == input_shape and window is None:
        return model, lambda: None
    net = build(spec)
    return net, lambda: net.set_weights(model.get_weights())


def _head_classes(model: keras.Model) -> int | None:
    """With which ``build_model`` made it."""
    units = [layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    return units[0] if len(units) > 1 else None

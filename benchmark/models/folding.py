"""The net used for scoring: batch normalisation is folded into convolutions where possible."""

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
    """Return a net for images of ``input_shape`` that gives the inference logits of ``model``, a
    net of ``build_model``, and a function that copies ``model``'s current weights to it.

    ``window``: see ``build_model``.
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
    """Return the ``head_classes`` with which ``build_model`` made the model."""
    units = [layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    return units[0] if len(units) > 1 else None

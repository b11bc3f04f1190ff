"""The net for scoring: batch normalisation folded into the convolutions where possible."""

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
    """Build a net for images of ``input_shape`` that gives the logits of ``model``, a net of
    ``build_model``, in inference. ``window``: see ``build_model``.

    Returns the net, and a function that copies the current weights of ``model`` to it.
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
    """Return the ``head_classes`` that ``build_model`` was called with."""
    units = [layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    return units[0] if len(units) > 1 else None

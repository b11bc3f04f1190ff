"""Initial weights that were pretrained instead of drawn."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

import keras
import numpy as np

from benchmark.data.normalization import Normalization
from benchmark.spec import PretrainedSpec

HEADS = ("classifier", "new_classifier", "predictions")
"""Names of the classifiers' layers, of all families."""


@dataclass(frozen=True)
class Pretrained:
    """Weights, and the normalization of the pixels that they were trained with."""

    arrays: Mapping[str, np.ndarray]
    """Path of a weight of a net of ``build_model`` -> array."""
    normalization: Normalization
    note: str = ""
    """A warning for users: what may not fit although every shape does."""


def start_from(model: keras.Model, spec: PretrainedSpec, arrays: Mapping[str, np.ndarray]) -> None:
    """Set the weights of ``model``, a net of ``build_model``, except those of the new layer; then
    freeze what ``spec.mode`` does not train. A frozen layer keeps its moving statistics and
    normalises by them.

    Raises ValueError, and sets none, if a weight is missing or has another shape.
    """
    new = new_layer(model, spec)
    wanted = [weight for weight in model.weights if not _is_in(new, weight)]
    whole = spec.mode in ("dense-after-head", "as-published")
    assign(wanted, arrays, unused=() if whole else HEADS)
    if spec.mode == "new-head":
        for layer in model.layers:
            layer.trainable = layer.name == new


def assign(
    weights: Iterable[keras.Variable],
    arrays: Mapping[str, np.ndarray],
    *,
    unused: Container[str] = (),
) -> None:
    """Set ``weights`` by their paths. Raises ValueError, and sets none, if one is missing or has
    another shape, or if an array is left, other than of the layers ``unused``."""
    wanted = {weight.path: weight for weight in weights}
    for path, weight in wanted.items():
        received = arrays[path].shape if path in arrays else "nothing"
        if received != tuple(weight.shape):
            raise ValueError(
                f"pretrained weights must fit the net: {path} must be of shape "
                f"{tuple(weight.shape)}. Received: {received}"
            )
    left = sorted(arrays.keys() - wanted.keys())
    if left := [path for path in left if path.split("/")[0] not in unused]:
        raise ValueError(f"every pretrained weight must have a place in the net. Left: {left[:5]}")
    for path, weight in wanted.items():
        weight.assign(arrays[path])


def new_layer(model: keras.Model, spec: PretrainedSpec) -> str | None:
    """Return the name of the layer whose weights are drawn at random, if there is one."""
    if spec.mode == "as-published":
        return None
    return [layer.name for layer in model.layers if layer.weights][-1]


def rates(model: keras.Model, spec: PretrainedSpec | None) -> list[float]:
    """Return, for each trained weight, its learning rate divided by the schedule's."""
    if spec is None:
        return [1.0] * len(model.trainable_weights)
    new = new_layer(model, spec)
    return [
        1.0 if _is_in(new, weight) else spec.backbone_rate for weight in model.trainable_weights
    ]


def _is_in(layer: str | None, weight: keras.Variable) -> bool:
    return weight.path.startswith(f"{layer}/")

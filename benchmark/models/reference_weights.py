"""Weights from other projects, by the names of a torch-style state dict.

CIFAR nets: ``conv1.weight``, ``layer1.0.conv1.weight``, ``layer2.0.shortcut.0.weight``,
``bn1.running_mean``, ``linear.weight``. ImageNet nets: the same, with ``downsample`` for
``shortcut`` and ``fc`` for ``linear``. Both naming schemes work for both kinds of nets.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

import keras
import numpy as np

from benchmark.models.layout import Part
from benchmark.spec import ModelSpec, ResNetSpec

_VARIABLE = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
"""Keras's name of a variable -> the state dict's."""

Arrays = Mapping[str, np.ndarray]


def load_reference_weights(model: keras.Model, arrays: Arrays) -> None:
    """Set every weight of ``model``, a net of ``build_model``, from a flat name -> array mapping.

    Kernels are in PyTorch's layout: (out, in, height, width) for convolutions, (out, in) for the
    classifier. ``num_batches_tracked`` is ignored, a leading ``module.`` dropped. Raises
    ValueError, before any weight is set, if a name is missing or unexpected, a weight is named
    twice, or a shape differs.
    """
    given = _by_canonical_name(arrays)
    wanted = {_reference_name(layer.name, weight.name): weight for layer, weight in _weights(model)}
    missing, unexpected = sorted(wanted.keys() - given.keys()), sorted(given.keys() - wanted.keys())
    if missing or unexpected:
        raise ValueError(
            f"arrays must hold the weights of {model.name} and no others. "
            f"Missing: {_listed(missing)}. Unexpected: {_listed(unexpected)}."
        )
    laid_out = {name: _to_keras_layout(np.asarray(array)) for name, array in given.items()}
    for name, weight in wanted.items():
        if laid_out[name].shape != tuple(weight.shape):
            expected = _to_reference_layout(np.empty(weight.shape)).shape
            raise ValueError(f"{name} must have shape {expected}. Received: {given[name].shape}")
    for name, weight in wanted.items():
        weight.assign(laid_out[name])


def reference_weights(model: keras.Model) -> dict[str, np.ndarray]:
    """Return the weights of a net of ``build_model``, in the names and layout that
    ``load_reference_weights`` takes (``shortcut``, ``linear``)."""
    return {
        _reference_name(layer.name, weight.name): _to_reference_layout(weight.numpy())
        for layer, weight in _weights(model)
    }


def keras_applications_weights(model: keras.Model) -> dict[str, np.ndarray]:
    """Return the weights of ``keras.applications.ResNet50``, ``101`` or ``152`` with its
    classifier, in the names and layout that ``load_reference_weights`` takes.

    Such a net is bottleneck, option B, v1, with ``conv_bias`` and a BN epsilon of 1.001e-5.
    """
    return {
        f"{_applications_layer(layer.name)}.{_VARIABLE[weight.name]}": _to_reference_layout(
            weight.numpy()
        )
        for layer, weight in _weights(model)
    }


def stride_note(model: ModelSpec, names: Iterable[str], preprocessing: str) -> str:
    """Return a warning for users if the weights most likely come from a net with its bottlenecks'
    stride at another convolution, which no shape reveals; else an empty string.

    torchvision's nets (names ``downsample`` and ``fc``, torch's preprocessing) have it at the 3x3;
    the authors' own, in Caffe, and those of keras.applications at the first 1x1.
    """
    if not isinstance(model, ResNetSpec) or model.bottleneck_stride is None:
        return ""
    torchvisions = {"downsample", "fc"} <= {part for name in names for part in name.split(".")}
    wanted = "1x1"
    if preprocessing == "torch":
        wanted = "3x3" if torchvisions else model.bottleneck_stride
    if wanted == model.bottleneck_stride:
        return ""
    whose = "torchvision's" if torchvisions else "the paper's authors'"
    return (
        f"these look like {whose} weights, whose nets have the stride at the {wanted} convolution, "
        f"and model.bottleneck_stride is {model.bottleneck_stride}: every shape fits, and the "
        f"errors rise. If they are, state model.bottleneck_stride: {wanted}"
    )


def _weights(model: keras.Model) -> Iterator[tuple[keras.Layer, keras.Variable]]:
    for layer in model.layers:
        for weight in layer.weights:
            if weight.name in _VARIABLE:
                yield layer, weight


def _reference_name(layer: str, variable: str) -> str:
    """``stage1_block1_conv1``, ``kernel`` -> ``layer1.0.conv1.weight``."""
    if layer == "classifier":
        return f"linear.{_VARIABLE[variable]}"
    if layer.startswith("stem_"):
        return f"{layer.removeprefix('stem_')}1.{_VARIABLE[variable]}"
    named = Part.of(layer)
    if named is None:
        raise ValueError(f"model must be a net of build_model. Received a layer named {layer}")
    shortcut = {"projection_conv": "shortcut.0", "projection_bn": "shortcut.1"}
    part = shortcut.get(named.part, named.part)
    return f"layer{named.stage}.{named.block - 1}.{part}.{_VARIABLE[variable]}"


def _applications_layer(layer: str) -> str:
    """``conv2_block1_0_conv`` -> ``layer1.0.shortcut.0``."""
    if layer == "predictions":
        return "linear"
    if layer in ("conv1_conv", "conv1_bn"):
        return f"{layer.removeprefix('conv1_')}1"
    match = re.fullmatch(r"conv(\d)_block(\d+)_(\d)_(conv|bn)", layer)
    if match is None:
        raise ValueError(
            f"model must be a v1 ResNet of keras.applications. Received a layer named {layer}"
        )
    stage, block, number, kind = match.groups()
    part = f"shortcut.{int(kind == 'bn')}" if number == "0" else f"{kind}{number}"
    return f"layer{int(stage) - 1}.{int(block) - 1}.{part}"


def _by_canonical_name(arrays: Arrays) -> Arrays:
    names: dict[str, str] = {}
    for name in arrays:
        if name.endswith("num_batches_tracked"):
            continue
        other = names.setdefault(_canonical(name), name)
        if other != name:
            raise ValueError(f"arrays must name each weight once. Received: {other} and {name}")
    return {canonical: arrays[name] for canonical, name in names.items()}


def _canonical(name: str) -> str:
    name = name.removeprefix("module.").replace(".downsample.", ".shortcut.")
    return re.sub(r"^fc\.", "linear.", name)


def _to_keras_layout(array: np.ndarray) -> np.ndarray:
    if array.ndim == 4:
        return array.transpose(2, 3, 1, 0)
    return array.T if array.ndim == 2 else array


def _to_reference_layout(array: np.ndarray) -> np.ndarray:
    return array.transpose(3, 2, 0, 1) if array.ndim == 4 else _to_keras_layout(array)


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:5]) or "none"
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown

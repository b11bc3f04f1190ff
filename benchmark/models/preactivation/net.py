"""Residual units in the orders of Table 2, with the shortcuts of Table 1 (arXiv 1603.05027)."""

import keras
from keras import KerasTensor, layers

from benchmark.models.initializers import OnCpu
from benchmark.models.layers import InputShape, convolve, initializer, normalize
from benchmark.models.layout import Block, blocks, convolution_names, norm_name
from benchmark.models.resnet.net import classifier, shortcut_of, stem
from benchmark.spec import PreactivationSpec
from benchmark.spec.preactivation import (
    PREACTIVATED,
    UNNORMALIZED_BRANCH,
    DroppedShortcut,
    GatedShortcut,
    ScaledShortcut,
)


def build(
    spec: PreactivationSpec,
    input_shape: InputShape,
    num_classes: int,
    head_classes: int | None = None,
    window: int | None = None,
) -> keras.Model:
    """See ``build_model``."""
    image = layers.Input(input_shape, name="image")
    x = stem(spec, image)
    for number, block in enumerate(blocks(spec)):
        x = _unit(spec, x, block, first=number == 0)
    if spec.order in PREACTIVATED:
        x = _activate(spec, x, "last")
    name = f"preactivation{spec.depth}"
    return classifier(spec, image, x, (head_classes, num_classes), window, name)


def _activate(spec: PreactivationSpec, x: KerasTensor, name: str) -> KerasTensor:
    """Apply the activation before a convolution of a pre-activation net."""
    if spec.order == "full-preactivation":
        x = normalize(spec, x, f"{name}_bn")
    return layers.ReLU(name=f"{name}_relu")(x)


def _unit(spec: PreactivationSpec, x: KerasTensor, block: Block, *, first: bool) -> KerasTensor:
    """Apply a unit. ``first``: the net's first, whose input the stem has already activated."""
    before = spec.order in PREACTIVATED
    activated = _activate(spec, x, f"{block.name}_pre") if before and not first else x
    projected = activated if block.shortcut == "projection" else x
    normalized = spec.order != "full-preactivation"
    shortcut = shortcut_of(spec, projected, block, normalized=normalized)
    residual = _residual(spec, activated, block)
    shortcut, residual = _manipulated(spec, x, shortcut, residual, block)
    x = layers.Add(name=f"{block.name}_add")([shortcut, residual])
    if spec.order == "bn-after-addition":
        x = normalize(spec, x, f"{block.name}_bn{len(block.convolutions)}")
    after = spec.order in ("original", "bn-after-addition")
    return layers.ReLU(name=f"{block.name}_relu{len(block.convolutions)}")(x) if after else x


def _residual(spec: PreactivationSpec, x: KerasTensor, block: Block) -> KerasTensor:
    """Apply the residual branch to an input that is activated if the order requires it."""
    count = len(block.convolutions)
    for number, plan in enumerate(block.convolutions, start=1):
        name, last = f"{block.name}_conv{number}", number == count
        x = convolve(spec, x, plan, name)
        if not (last and spec.order in UNNORMALIZED_BRANCH):
            x = normalize(spec, x, norm_name(name), last=last)
        if not last or spec.order == "relu-before-addition":
            x = layers.ReLU(name=f"{block.name}_relu{number}")(x)
    return x


def _manipulated(
    spec: PreactivationSpec,
    x: KerasTensor,
    shortcut: KerasTensor,
    residual: KerasTensor,
    block: Block,
) -> tuple[KerasTensor, KerasTensor]:
    """Apply Table 1's operation to the shortcut and the residual branch of a unit on ``x``."""
    done = spec.on_shortcut
    if isinstance(done, ScaledShortcut):
        return shortcut * done.shortcut, residual * done.residual
    if isinstance(done, DroppedShortcut):
        return layers.Dropout(done.rate, name=f"{block.name}_dropout")(shortcut), residual
    if isinstance(done, GatedShortcut):
        gate = layers.Conv2D(
            block.out_channels,
            1,
            strides=block.stride,
            activation="sigmoid",
            kernel_initializer=initializer(spec),
            bias_initializer=OnCpu(keras.initializers.Constant(done.initial_bias)),
            name=f"{block.name}_gate",
        )(x)
        return shortcut * (1.0 - gate), residual * gate if done.exclusive else residual
    return shortcut, residual


def folded(spec: PreactivationSpec, model: keras.Model, build: object) -> None:
    """Return None: batch normalisation before a convolution's padding cannot be folded into it."""


def responding_layers(spec: PreactivationSpec) -> dict[str, str]:
    """See ``families``: after batch normalisation if any, before addition and nonlinearity."""
    names = list(convolution_names(spec))
    if spec.batch_norm is None:
        return dict(zip(names, names, strict=True))
    ends = {f"{block.name}_conv{len(block.convolutions)}" for block in blocks(spec)}
    bare = ends if spec.order in UNNORMALIZED_BRANCH else set()
    return {name: name if name in bare else norm_name(name) for name in names}

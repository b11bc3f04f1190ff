"""ResNets and plain nets (paper, figures 2, 3 and 5, table 1 and section 4.2)."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import keras
from keras import KerasTensor, layers

from benchmark.models.layers import (
    InputShape,
    MaxPooling,
    SlidingPooling,
    ZeroPadShortcut,
    classifier_initializer,
    convolve,
    normalize,
)
from benchmark.models.layout import Block, Convolution, blocks, stem_convolution
from benchmark.spec import ResNetSpec


def build_resnet(
    spec: ResNetSpec,
    input_shape: InputShape,
    num_classes: int,
    head_classes: int | None = None,
    window: int | None = None,
) -> keras.Model:
    """The functional model of a spec.

    Images of ``input_shape`` (height, width, channels), normalised, to (batch, ``num_classes``)
    logits in float32. Weights are drawn from Keras's global seed; layers are named
    ``stem_conv``, ``stage1_block1_conv1``, ``stage1_block1_projection_bn``, ``classifier``, and
    after that ``new_classifier`` where ``head_classes`` are stated. ``window``: the classifier is
    slid over the feature map, and the logits are the mean over all its places (``SlidingPooling``).
    """
    image = layers.Input(input_shape, name="image")
    x = _stem(spec, image)
    for block in blocks(spec):
        x = _block(spec, x, block)
    if window is None:
        x = layers.GlobalAveragePooling2D(name="pool")(x)
    else:
        x = SlidingPooling(window, name="pool")(x)
    if spec.dropout_rate:
        x = layers.Dropout(spec.dropout_rate, name="dropout")(x)
    x = _dense(spec, x, head_classes or num_classes, "classifier")
    logits = _dense(spec, x, num_classes, "new_classifier") if head_classes else x
    kind = "plain" if spec.shortcut == "none" else "resnet"
    with _recursion_for(spec.depth):
        return keras.Model(image, logits, name=f"{kind}{spec.depth}")


def _dense(spec: ResNetSpec, x: KerasTensor, units: int, name: str) -> KerasTensor:
    return layers.Dense(
        units, kernel_initializer=classifier_initializer(spec), dtype="float32", name=name
    )(x)


def _stem(spec: ResNetSpec, x: KerasTensor) -> KerasTensor:
    x = convolve(spec, x, stem_convolution(spec, x.shape[-1]), "stem_conv")
    x = layers.ReLU(name="stem_relu")(normalize(spec, x, "stem_bn"))
    if spec.stem == "cifar":
        return x
    # The zeros around stand for minus infinity: what is pooled has passed a ReLU.
    x = layers.ZeroPadding2D(1, name="stem_pool_pad")(x)
    return MaxPooling(3, strides=2, name="stem_pool")(x)


def _block(spec: ResNetSpec, x: KerasTensor, block: Block) -> KerasTensor:
    shortcut = _shortcut(spec, x, block)
    count = len(block.convolutions)
    for number, convolution in enumerate(block.convolutions, start=1):
        name = f"{block.name}_conv{number}"
        x = convolve(spec, x, convolution, name)
        x = normalize(spec, x, name.replace("conv", "bn"), last=number == count)
        if number < count:
            x = layers.ReLU(name=name.replace("conv", "relu"))(x)
    if shortcut is not None:
        x = layers.Add(name=f"{block.name}_add")([shortcut, x])
    return layers.ReLU(name=f"{block.name}_relu{count}")(x)


def _shortcut(spec: ResNetSpec, x: KerasTensor, block: Block) -> KerasTensor | None:
    if block.shortcut == "identity":
        return x
    if block.shortcut == "zero_pad" and spec.zero_pad is not None:
        return ZeroPadShortcut(
            block.out_channels,
            block.stride,
            spec.zero_pad,
            pool=block.stride if spec.subsampling == "mean" else 1,
            name=f"{block.name}_zero_pad",
        )(x)
    if block.shortcut == "projection":
        plan = Convolution(1, block.stride, block.in_channels, block.out_channels)
        x = convolve(spec, x, plan, f"{block.name}_projection_conv")
        return normalize(spec, x, f"{block.name}_projection_bn")
    return None


@contextmanager
def _recursion_for(depth: int) -> Iterator[None]:
    """Keras walks a model's graph by recursion, about five calls for each weighted layer."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 1000 + 8 * depth))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)

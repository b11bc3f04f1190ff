"""ResNets and plain nets (paper, figures 2, 3 and 5, table 1 and section 4.2)."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod

import keras
import tensorflow as tf
from keras import KerasTensor, layers

from benchmark.models.backbone import Backbone
from benchmark.models.layers import (
    InputShape,
    MaxPooling,
    SlidingPooling,
    ZeroPadShortcut,
    classifier_initializer,
    convolve,
    normalize,
)
from benchmark.models.layout import (
    Block,
    Convolution,
    blocks,
    convolution_names,
    norm_name,
    stage_prefixes,
    stem_convolution,
)
from benchmark.models.reference_weights import keras_applications_weights
from benchmark.spec import ResidualSpec, ResNetSpec

BY_PATH = False

application_weights = keras_applications_weights


def build(
    spec: ResNetSpec,
    input_shape: InputShape,
    num_classes: int,
    head_classes: int | None = None,
    window: int | None = None,
) -> keras.Model:
    """See ``build_model``."""
    image = layers.Input(input_shape, name="image")
    x = stem(spec, image)
    for block in blocks(spec):
        x = _block(spec, x, block)
    kind = "plain" if spec.shortcut == "none" else "resnet"
    name = f"{kind}{spec.depth}"
    return classifier(spec, image, x, (head_classes, num_classes), window, name)


def classifier(
    spec: ResidualSpec,
    image: KerasTensor,
    x: KerasTensor,
    classes: tuple[int | None, int],
    window: int | None,
    name: str,
) -> keras.Model:
    """Complete a net from its last features: pooling, dropout, the classifier and, if ``classes``
    has two numbers, the new classifier after it."""
    head_classes, num_classes = classes
    if window is None:
        x = layers.GlobalAveragePooling2D(name="pool")(x)
    else:
        x = SlidingPooling(window, name="pool")(x)
    if spec.dropout_rate:
        x = layers.Dropout(spec.dropout_rate, name="dropout")(x)
    x = _dense(spec, x, head_classes or num_classes, "classifier")
    logits = _dense(spec, x, num_classes, "new_classifier") if head_classes else x
    with _recursion_for(spec.depth):
        return keras.Model(image, logits, name=name)


def folded(
    spec: ResNetSpec, model: keras.Model, build: Callable[[ResNetSpec], keras.Model]
) -> tuple[keras.Model, Callable[[], None]] | None:
    """See ``families``. Moving statistics, scales and shifts are folded into the convolutions'
    kernels and biases: the same function up to rounding, with fewer operations."""
    if spec.batch_norm is None:
        return None
    without = {"batch_norm": None, "conv_bias": True, "dropout_rate": 0.0}
    net = build(spec.model_copy(update=without))
    sources = {layer.name: layer for layer in model.layers}

    def take_over() -> None:
        for target in net.layers:
            source = sources[target.name]
            if isinstance(target, layers.Conv2D):
                kernel, bias = _folded(source, sources[norm_name(target.name)])
                target.kernel.assign(kernel)
                target.bias.assign(bias)
            elif isinstance(target, layers.Dense):
                target.kernel.assign(source.kernel)
                target.bias.assign(source.bias)

    return net, take_over


def _folded(
    convolution: layers.Conv2D, normalization: layers.BatchNormalization
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the kernel and bias that convolve and normalise in one step, computed operation by
    operation: in a graph, TensorFlow makes a root and a quotient a product with ``rsqrt``, which
    processors approximate differently."""
    deviation = tf.sqrt(normalization.moving_variance.value + normalization.epsilon)
    scale = normalization.gamma.value / deviation
    bias = 0.0 if convolution.bias is None else convolution.bias.value
    shift = normalization.beta.value + (bias - normalization.moving_mean.value) * scale
    return convolution.kernel.value * scale, shift


def backbone(spec: ResNetSpec) -> Backbone:
    """Return conv1 to conv4_x, and conv5_x with its average pooling (appendix A); for a net with
    another number of stages, all but the last, and the last."""
    last = len(spec.stage_blocks)
    if last < 2:
        raise ValueError(f"stage_blocks must name two stages or more. Received: {last}")
    shared = [block for block in blocks(spec) if block.stage < last]
    net = build(spec, (None, None, 3), num_classes=1)  # Its classifier is dropped.
    boundary = net.get_layer(f"{shared[-1].name}_relu{len(shared[-1].convolutions)}").output
    stem = 4 if spec.stem == "imagenet" else 1
    return Backbone(
        features=keras.Model(net.input, boundary, name="features"),
        regions=keras.Model(boundary, net.get_layer("pool").output, name="regions"),
        stride=stem * prod(block.stride for block in shared),
        parts=stage_prefixes(last - 1),
    )


def responding_layers(spec: ResNetSpec) -> dict[str, str]:
    """See ``families``: after batch normalisation, before addition and nonlinearity (figure 7)."""
    return {name: norm_name(name) if spec.batch_norm else name for name in convolution_names(spec)}


def _dense(spec: ResidualSpec, x: KerasTensor, units: int, name: str) -> KerasTensor:
    return layers.Dense(
        units, kernel_initializer=classifier_initializer(spec), dtype="float32", name=name
    )(x)


def stem(spec: ResidualSpec, x: KerasTensor) -> KerasTensor:
    """Apply the first convolution, its activation, and pooling if there is any."""
    x = convolve(spec, x, stem_convolution(spec, x.shape[-1]), "stem_conv")
    x = layers.ReLU(name="stem_relu")(normalize(spec, x, "stem_bn"))
    if spec.stem == "cifar":
        return x
    # Zero padding is equivalent to minus infinity: what is pooled has passed a ReLU.
    x = layers.ZeroPadding2D(1, name="stem_pool_pad")(x)
    return MaxPooling(3, strides=2, name="stem_pool")(x)


def _block(spec: ResNetSpec, x: KerasTensor, block: Block) -> KerasTensor:
    shortcut = shortcut_of(spec, x, block)
    count = len(block.convolutions)
    for number, convolution in enumerate(block.convolutions, start=1):
        name = f"{block.name}_conv{number}"
        x = convolve(spec, x, convolution, name)
        x = normalize(spec, x, norm_name(name), last=number == count)
        if number < count:
            x = layers.ReLU(name=name.replace("conv", "relu"))(x)
    if shortcut is not None:
        x = layers.Add(name=f"{block.name}_add")([shortcut, x])
    return layers.ReLU(name=f"{block.name}_relu{count}")(x)


def shortcut_of(
    spec: ResidualSpec, x: KerasTensor, block: Block, *, normalized: bool = True
) -> KerasTensor | None:
    """Return a block's shortcut, if it has one; ``normalized``: batch-normalise a projection."""
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
        return normalize(spec, x, f"{block.name}_projection_bn") if normalized else x
    return None


@contextmanager
def _recursion_for(depth: int) -> Iterator[None]:
    """Raise the recursion limit: Keras nests about five calls for each weighted layer."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 1000 + 8 * depth))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)

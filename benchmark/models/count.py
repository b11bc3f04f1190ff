"""Trainable parameters and multiply-adds of a net, by arithmetic alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from benchmark.models.layout import Convolution, blocks, stem_convolution
from benchmark.spec import BatchNormSpec, ModelSpec, VggSpec
from benchmark.spec.vgg import VGG_CROP, VGG_DENSE, VGG_STAGES


@dataclass(frozen=True)
class Cost:
    """What a net holds and what one image costs."""

    parameters: int
    """Trainable: kernels, biases, and the scale and shift of batch normalisation."""

    multiply_adds: int
    """Of convolutions and classifiers, one image forward, as table 1 counts them."""


_COSTS_NOTHING = {"dropout_rate": 0.0, "initializer": "he-fan-in", "initializer_stddev": None}
"""What no cost depends on is made alike, so that a suite's costs are reckoned once a net."""


def cost(spec: ModelSpec | VggSpec, input_shape: tuple[int, int, int], num_classes: int) -> Cost:
    """The cost of ``build_model(spec, input_shape, num_classes)``, without building it."""
    if isinstance(spec, VggSpec):
        return _cost_of_vgg(spec, input_shape, num_classes)
    norm = BatchNormSpec() if spec.batch_norm else None
    layers = spec.model_copy(update=_COSTS_NOTHING | {"batch_norm": norm})
    return _cost(layers, input_shape, num_classes)


@cache
def _cost(spec: ModelSpec, input_shape: tuple[int, int, int], num_classes: int) -> Cost:
    per_channel = int(spec.conv_bias) + (2 if spec.batch_norm else 0)
    height, width, channels = input_shape
    parameters = multiply_adds = 0
    for convolution, shrink in _convolutions(spec, channels):
        weights = convolution.kernel**2 * convolution.in_channels * convolution.out_channels
        pixels = _shrunk(height, shrink) * _shrunk(width, shrink)
        parameters += weights + per_channel * convolution.out_channels
        multiply_adds += weights * pixels
        features = convolution.out_channels
    for units in filter(None, (spec.inner_classes, num_classes)):
        parameters += (features + 1) * units
        multiply_adds += features * units
        features = units
    return Cost(parameters, multiply_adds)


def _cost_of_vgg(spec: VggSpec, input_shape: tuple[int, int, int], num_classes: int) -> Cost:
    height, width, channels = input_shape
    parameters = multiply_adds = 0

    def add(kernel: int, filters: int, pixels: int) -> None:
        nonlocal parameters, multiply_adds, channels
        weights = kernel**2 * channels * filters
        parameters += weights + filters
        multiply_adds += weights * pixels
        channels = filters

    for convolutions, filters in VGG_STAGES[spec.vgg]:
        for _ in range(convolutions):
            add(3, filters, height * width)
        height, width = height // 2, width // 2
    reach = VGG_CROP // 32
    places = (height - reach + 1) * (width - reach + 1)
    for kernel, units in ((reach, VGG_DENSE), (1, VGG_DENSE), (1, num_classes)):
        add(kernel, units, places)
    return Cost(parameters, multiply_adds)


def _convolutions(spec: ModelSpec, channels: int) -> Iterator[tuple[Convolution, int]]:
    """Each convolution, and by what its output is smaller than the image, the last one last."""
    stem = stem_convolution(spec, channels)
    yield stem, stem.stride
    shrink = 1 if spec.stem == "cifar" else 4
    for block in blocks(spec):
        if block.shortcut == "projection":
            yield (
                Convolution(1, block.stride, block.in_channels, block.out_channels),
                shrink * block.stride,
            )
        for convolution in block.convolutions:
            shrink *= convolution.stride
            yield convolution, shrink


def _shrunk(size: int, shrink: int) -> int:
    """Pixels left of ``size``: each halving with symmetric padding rounds up."""
    while shrink > 1:
        size, shrink = -(-size // 2), shrink // 2
    return size

"""Trainable parameters and multiply-adds of a net, by arithmetic alone."""

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from functools import cache
from typing import NamedTuple

from benchmark.models.layout import Convolution, blocks, stem_convolution
from benchmark.spec import BatchNormSpec, ModelSpec, ResNetSpec, VggSpec
from benchmark.spec.vgg import VGG_CROP, VGG_DENSE, VGG_STAGES


@dataclass(frozen=True)
class Cost:
    """What a net holds and what one image costs."""

    parameters: int
    """Trainable: kernels, biases, and the scale and shift of batch normalisation."""

    multiply_adds: int
    """Of convolutions and classifiers, one image forward, as table 1 counts them."""

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.parameters + other.parameters, self.multiply_adds + other.multiply_adds)


NOTHING = Cost(0, 0)

_COSTS_NOTHING = {
    "dropout_rate": 0.0,
    "initializer": "he-fan-in",
    "initializer_stddev": None,
    "classifier_initializer": "same",
}
"""What no cost depends on is made alike, so that a suite's costs are reckoned once a net."""


def cost(
    spec: ModelSpec,
    input_shape: tuple[int, int, int],
    num_classes: int,
    head_classes: int | None = None,
) -> Cost:
    """The cost of ``build_model`` with the same arguments, without building the net."""
    if isinstance(spec, VggSpec):
        return _cost_of_vgg(spec, input_shape, num_classes)
    norm = BatchNormSpec() if spec.batch_norm else None
    layers = spec.model_copy(update=_COSTS_NOTHING | {"batch_norm": norm})
    return _cost(layers, input_shape, (*filter(None, (head_classes,)), num_classes))


@cache
def _cost(spec: ResNetSpec, input_shape: tuple[int, int, int], dense: tuple[int, ...]) -> Cost:
    height, width, channels = input_shape
    total = NOTHING
    for placed in convolutions(spec, channels):
        total += placed.cost(spec, shrunk(height, placed.shrink) * shrunk(width, placed.shrink))
        features = placed.convolution.out_channels
    for units in dense:
        total += layer_cost(1, features, units, places=1)
        features = units
    return total


def _cost_of_vgg(spec: VggSpec, input_shape: tuple[int, int, int], num_classes: int) -> Cost:
    height, width, _ = input_shape
    reach = VGG_CROP // 32
    places = (height // 32 - reach + 1) * (width // 32 - reach + 1)
    classifier = layer_cost(1, VGG_DENSE, num_classes, places)
    return vgg_convolutions_cost(spec, input_shape) + vgg_dense_cost(spec, places) + classifier


def layer_cost(kernel: int, inputs: int, units: int, places: int, *, per_unit: int = 1) -> Cost:
    """Of a convolution of ``inputs`` to ``units`` channels at ``places``, or of a dense layer,
    whose ``kernel`` is 1. ``per_unit``: a unit's parameters beside its weights, such as a bias."""
    weights = kernel**2 * inputs * units
    return Cost(weights + per_unit * units, weights * places)


class Placed(NamedTuple):
    """A convolution of a ResNet or plain net."""

    convolution: Convolution
    stage: int
    """Counted from 1; the stem is 0."""
    shrink: int
    """By what its output is smaller than the image."""

    def cost(self, spec: ResNetSpec, places: int) -> Cost:
        """Its own and that of its batch normalisation, at ``places``."""
        kernel, _, inputs, units = astuple(self.convolution)
        per_unit = int(spec.conv_bias) + (2 if spec.batch_norm else 0)
        return layer_cost(kernel, inputs, units, places, per_unit=per_unit)


def convolutions(spec: ResNetSpec, channels: int) -> Iterator[Placed]:
    """Each convolution of a net for images of ``channels``, the last one last."""
    stem = stem_convolution(spec, channels)
    yield Placed(stem, 0, stem.stride)
    shrink = 1 if spec.stem == "cifar" else 4
    for block in blocks(spec):
        if block.shortcut == "projection":
            projection = Convolution(1, block.stride, block.in_channels, block.out_channels)
            yield Placed(projection, block.stage, shrink * block.stride)
        for convolution in block.convolutions:
            shrink *= convolution.stride
            yield Placed(convolution, block.stage, shrink)


def shrunk(size: int, shrink: int) -> int:
    """Pixels left of ``size``: each halving with symmetric padding rounds up."""
    while shrink > 1:
        size, shrink = -(-size // 2), shrink // 2
    return size


def vgg_convolutions_cost(spec: VggSpec, input_shape: tuple[int, int, int]) -> Cost:
    """Of all convolutions, on one image. Each stage but the first has half the height and width of
    the one before it, rounded down."""
    height, width, channels = input_shape
    total = NOTHING
    for halvings, (count, filters) in enumerate(VGG_STAGES[spec.depth]):
        places = (height >> halvings) * (width >> halvings)
        for _ in range(count):
            total += layer_cost(3, channels, filters, places)
            channels = filters
    return total


def vgg_dense_cost(spec: VggSpec, places: int) -> Cost:
    """Of the two layers before the classifier, at ``places``."""
    filters = VGG_STAGES[spec.depth][-1][1]
    first = layer_cost(VGG_CROP // 32, filters, VGG_DENSE, places)
    return first + layer_cost(1, VGG_DENSE, VGG_DENSE, places)

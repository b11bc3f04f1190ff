"""Trainable parameters and multiply-adds of a ResNet or plain net, computed without building it."""

from collections.abc import Iterator
from dataclasses import astuple
from functools import cache
from typing import NamedTuple

from benchmark.models.count import NOTHING, BackboneCost, Cost, InputSize, layer_cost, shrunk
from benchmark.models.layout import Convolution, blocks, stem_convolution
from benchmark.spec import BatchNormSpec, ResidualSpec, ResNetSpec

COSTS_NOTHING = {
    "dropout_rate": 0.0,
    "initializer": "he-fan-in",
    "initializer_stddev": None,
    "classifier_initializer": "same",
}
"""Values for fields that do not affect the cost, so that a suite computes it once per net."""


def cost(spec: ResNetSpec, input_shape: InputSize, dense: tuple[int, ...]) -> Cost:
    """See ``families``."""
    norm = BatchNormSpec() if spec.batch_norm else None
    return _cost(spec.model_copy(update=COSTS_NOTHING | {"batch_norm": norm}), input_shape, dense)


@cache
def _cost(spec: ResNetSpec, input_shape: InputSize, dense: tuple[int, ...]) -> Cost:
    height, width, channels = input_shape
    total = NOTHING
    for placed in convolutions(spec, channels):
        total += placed.cost(spec, shrunk(height, placed.shrink) * shrunk(width, placed.shrink))
        features = placed.convolution.out_channels
    return total + dense_cost(features, dense)


def dense_cost(features: int, dense: tuple[int, ...]) -> Cost:
    """Return the cost of the classifiers, one after the other."""
    total = NOTHING
    for units in dense:
        total += layer_cost(1, features, units, places=1)
        features = units
    return total


class Placed(NamedTuple):
    """A convolution of a residual or plain net."""

    convolution: Convolution
    stage: int
    """Counted from 1; the stem is 0."""
    shrink: int
    """The factor by which its output is smaller than the image."""

    def cost(self, spec: ResidualSpec, places: int) -> Cost:
        """Return its cost with its batch normalisation, at ``places`` positions."""
        kernel, _, inputs, units = astuple(self.convolution)
        per_unit = int(spec.conv_bias) + (2 if spec.batch_norm else 0)
        return layer_cost(kernel, inputs, units, places, per_unit=per_unit)


def convolutions(spec: ResidualSpec, channels: int) -> Iterator[Placed]:
    """Yield each convolution of a net for images of ``channels``, the net's last one last."""
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


def backbone_cost(spec: ResNetSpec, input_shape: InputSize, size: int) -> BackboneCost:
    """See ``families``."""
    height, width, image_channels = input_shape
    shared = region = NOTHING
    for placed in convolutions(spec, image_channels):
        outputs = placed.convolution.out_channels
        if placed.stage < len(spec.stage_blocks):
            stride, channels = placed.shrink, outputs
            places = shrunk(height, stride) * shrunk(width, stride)
            shared += placed.cost(spec, places)
        else:
            region += placed.cost(spec, shrunk(size, placed.shrink // stride) ** 2)
    return BackboneCost(shared, region, places, channels, outputs)

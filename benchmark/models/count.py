"""Trainable parameters and multiply-adds of a net, computed from its layout or counted in a built
net."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

InputSize = tuple[int, int, int]
"""Height, width and channels of the images."""


@dataclass(frozen=True)
class Cost:
    """The size of a net and the cost of one image."""

    parameters: int
    """Trainable ones: kernels, biases, and the scale and shift of batch normalisation."""

    multiply_adds: int
    """Those of convolutions and classifiers in a forward pass of one image, as in table 1."""

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.parameters + other.parameters, self.multiply_adds + other.multiply_adds)


NOTHING = Cost(0, 0)


@dataclass(frozen=True)
class BackboneCost:
    """The cost of a detector's backbone."""

    shared: Cost
    region: Cost
    """Multiply-adds are per region."""
    places: int
    """Positions of the shared features."""
    channels: int
    """Channels of the shared features."""
    outputs: int
    """Outputs per region."""


def counted_cost(model: "keras.Model") -> Cost:
    """Return the cost of a model of convolutions and dense layers, from its weights and shapes."""
    from keras import layers

    parameters = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    multiply_adds = 0
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D | layers.Dense):
            pixels = math.prod(layer.output.shape[1:-1])
            multiply_adds += math.prod(layer.kernel.shape) * pixels
    return Cost(parameters, multiply_adds)


def layer_cost(kernel: int, inputs: int, units: int, places: int, *, per_unit: int = 1) -> Cost:
    """Return the cost of a convolution from ``inputs`` to ``units`` channels at ``places``
    positions, or of a dense layer, whose ``kernel`` is 1. ``per_unit``: parameters per unit besides
    its weights, e.g. a bias."""
    weights = kernel**2 * inputs * units
    return Cost(weights + per_unit * units, weights * places)


def shrunk(size: int, shrink: int) -> int:
    """Return ``size`` in pixels divided by ``shrink``: each halving with padding rounds up."""
    while shrink > 1:
        size, shrink = -(-size // 2), shrink // 2
    return size

"""Trainable parameters and multiply-adds of VGG-16, computed without building it."""

from benchmark.models.count import NOTHING, BackboneCost, Cost, InputSize, layer_cost
from benchmark.spec import VggSpec
from benchmark.spec.vgg import VGG_CROP, VGG_DENSE, VGG_STAGES


def cost(spec: VggSpec, input_shape: InputSize, dense: tuple[int, ...]) -> Cost:
    """See ``families``; a layer after the head is not supported."""
    height, width, _ = input_shape
    reach = VGG_CROP // 32
    places = (height // 32 - reach + 1) * (width // 32 - reach + 1)
    classifier = layer_cost(1, VGG_DENSE, dense[-1], places)
    return _convolutions_cost(spec, input_shape) + _dense_cost(spec, places) + classifier


def backbone_cost(spec: VggSpec, input_shape: InputSize, size: int) -> BackboneCost:
    """See ``families``; ``size`` is fixed."""
    height, width, _ = input_shape
    stages = VGG_STAGES[spec.depth]
    stride = 2 ** (len(stages) - 1)
    return BackboneCost(
        shared=_convolutions_cost(spec, input_shape),
        region=_dense_cost(spec, places=1),
        places=(height // stride) * (width // stride),
        channels=stages[-1][1],
        outputs=VGG_DENSE,
    )


def _convolutions_cost(spec: VggSpec, input_shape: InputSize) -> Cost:
    """Return the cost of all convolutions on one image. Each stage but the first has half the
    height and width of the previous one, rounded down."""
    height, width, channels = input_shape
    total = NOTHING
    for halvings, (count, filters) in enumerate(VGG_STAGES[spec.depth]):
        places = (height >> halvings) * (width >> halvings)
        for _ in range(count):
            total += layer_cost(3, channels, filters, places)
            channels = filters
    return total


def _dense_cost(spec: VggSpec, places: int) -> Cost:
    """Return the cost of the two layers before the classifier, at ``places`` positions."""
    filters = VGG_STAGES[spec.depth][-1][1]
    first = layer_cost(VGG_CROP // 32, filters, VGG_DENSE, places)
    return first + layer_cost(1, VGG_DENSE, VGG_DENSE, places)

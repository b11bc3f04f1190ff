"""Parameters and multiply-adds of a detector, by arithmetic alone."""

from dataclasses import dataclass

from benchmark.models.count import (
    NOTHING,
    Cost,
    convolutions,
    layer_cost,
    shrunk,
    vgg_convolutions_cost,
    vgg_dense_cost,
)
from benchmark.spec import ModelSpec, ResNetSpec, VggSpec
from benchmark.spec.detector import DetectorSpec
from benchmark.spec.vgg import VGG_DENSE, VGG_STAGES


def detector_cost(
    model: ModelSpec,
    detector: DetectorSpec,
    input_shape: tuple[int, int, int],
    num_classes: int,
) -> Cost:
    """The cost of ``FasterRCNN(detector, backbone_of(model), num_classes)``, without building it.

    Parameters: all weights but moving statistics, also those that ``detector`` keeps as they are.
    Multiply-adds: one image of ``input_shape``, normalised, forward in training, where
    ``regions.batch`` regions, and with ``global_context`` the whole image, are classified. Of
    convolutions and dense layers: RoI pooling is not counted. ``num_classes``: without the
    background.
    """
    if isinstance(model, VggSpec):
        parts = _vgg(model, input_shape)
    else:
        parts = _resnet(model, input_shape, detector.regions.size)
    anchors = len(detector.anchors.scales) * len(detector.anchors.ratios)
    hidden, regions = detector.rpn.channels, detector.regions.batch
    rpn = layer_cost(3, parts.channels, hidden, parts.places)
    rpn += layer_cost(1, hidden, (1 + 4) * anchors, parts.places)
    context = int(detector.regions.global_context)
    outputs = parts.outputs * (1 + context)
    siblings = layer_cost(1, outputs, num_classes + 1 + 4 * num_classes, regions)
    own = Cost(parts.region.parameters, parts.region.multiply_adds * (regions + context))
    return parts.shared + rpn + own + siblings


@dataclass(frozen=True)
class _Parts:
    """Of a backbone."""

    shared: Cost
    region: Cost
    """With the multiply-adds of one region."""
    places: int
    """Of the shared features."""
    channels: int
    """Of the shared features."""
    outputs: int
    """Of one region."""


def _resnet(spec: ResNetSpec, input_shape: tuple[int, int, int], size: int) -> _Parts:
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
    return _Parts(shared, region, places, channels, outputs)


def _vgg(spec: VggSpec, input_shape: tuple[int, int, int]) -> _Parts:
    height, width, _ = input_shape
    stages = VGG_STAGES[spec.depth]
    stride = 2 ** (len(stages) - 1)
    return _Parts(
        shared=vgg_convolutions_cost(spec, input_shape),
        region=vgg_dense_cost(spec, places=1),
        places=(height // stride) * (width // stride),
        channels=stages[-1][1],
        outputs=VGG_DENSE,
    )

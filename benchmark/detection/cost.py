"""The parameters and multiply-adds of a detector, by arithmetic alone."""

from benchmark.models.count import Cost, layer_cost
from benchmark.models.families import cost_of
from benchmark.spec import ModelSpec
from benchmark.spec.detector import DetectorSpec


def detector_cost(
    model: ModelSpec,
    detector: DetectorSpec,
    input_shape: tuple[int, int, int],
    num_classes: int,
) -> Cost:
    """Return the cost of an unbuilt ``FasterRCNN(detector, backbone_of(model), num_classes)``.

    Parameters: all weights except moving statistics, including those that ``detector`` freezes.
    Multiply-adds: one normalized image of ``input_shape``, forward in training, with
    ``regions.batch`` regions classified, and with ``global_context`` the whole image too. Only
    convolutions and dense layers count, not RoI pooling. ``num_classes``: without the background.
    """
    parts = cost_of(model).backbone_cost(model, input_shape, detector.regions.size)
    anchors = len(detector.anchors.scales) * len(detector.anchors.ratios)
    hidden, regions = detector.rpn.channels, detector.regions.batch
    rpn = layer_cost(3, parts.channels, hidden, parts.places)
    rpn += layer_cost(1, hidden, (1 + 4) * anchors, parts.places)
    context = int(detector.regions.global_context)
    outputs = parts.outputs * (1 + context)
    siblings = layer_cost(1, outputs, num_classes + 1 + 4 * num_classes, regions)
    own = Cost(parts.region.parameters, parts.region.multiply_adds * (regions + context))
    return parts.shared + rpn + own + siblings

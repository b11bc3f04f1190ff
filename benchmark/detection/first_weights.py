"""A detector's initial weights, if they come from earlier training rather than a random draw."""

from collections.abc import Mapping

import numpy as np

from benchmark.detection.faster_rcnn import FasterRCNN
from benchmark.models.pretrained import assign
from benchmark.spec import PretrainedSpec


def start_from(net: FasterRCNN, spec: PretrainedSpec, arrays: Mapping[str, np.ndarray]) -> None:
    """Set the weights of ``net`` by path: in ``mode`` ``backbone`` those that a classifier also
    has, except its last layer, which is ignored; otherwise all of a detector's.

    Raises ValueError, and sets none, if one is missing or has another shape.
    """
    if spec.mode == "backbone":
        assign([*net.shared.weights, *net.regions.weights], arrays)
    else:
        assign(net.weights, arrays, every=True)


def rates(net: FasterRCNN, spec: PretrainedSpec | None) -> list[float]:
    """Return, for each trained weight, its learning rate relative to the schedule's."""
    own = {weight.path for part in (net.shared, net.regions) for weight in part.weights}
    slower = spec.backbone_rate if spec else 1.0
    return [slower if weight.path in own else 1.0 for weight in net.trainable_weights]

"""A detector's initial weights, if they come from earlier training rather than a random draw."""

from collections.abc import Mapping

import keras
import numpy as np

from benchmark.detection.faster_rcnn import FasterRCNN
from benchmark.models.pretrained import HEADS, assign
from benchmark.spec import PretrainedSpec


def start_from(net: FasterRCNN, spec: PretrainedSpec, arrays: Mapping[str, np.ndarray]) -> None:
    """Set the weights of ``net`` by path: in ``mode`` ``backbone`` those that a classifier also
    has, except its last layer, which is ignored; otherwise all of a detector's.

    Raises ValueError, and sets none, if one is missing or has another shape.
    """
    if spec.mode == "backbone":
        own = {weight.path for weight in _backbone(net)}
        heads = {weight.path.split("/")[0] for weight in net.weights if weight.path not in own}
        assign(_backbone(net), arrays, unused={*HEADS, *heads})
    else:
        assign(net.weights, arrays)


def rates(net: FasterRCNN, spec: PretrainedSpec | None) -> list[float]:
    """Return, for each trained weight, its learning rate relative to the schedule's."""
    own = {weight.path for weight in _backbone(net)}
    slower = spec.backbone_rate if spec else 1.0
    return [slower if weight.path in own else 1.0 for weight in net.trainable_weights]


def _backbone(net: FasterRCNN) -> list[keras.Variable]:
    """Return the weights that a classifier also has."""
    return [*net.shared.weights, *net.regions.weights]

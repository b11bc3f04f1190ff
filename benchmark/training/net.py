"""The net that a run trains."""

import keras

from benchmark.detection.backbone import backbone_of
from benchmark.detection.faster_rcnn import FasterRCNN
from benchmark.models.build import build_model
from benchmark.models.layers import pool_by_slices
from benchmark.spec import RunSpec


def build_net(spec: RunSpec) -> keras.Model:
    """Build a classifier, or a detector on the classifier's layers; initial weights are drawn with
    Keras's global seed."""
    classes = spec.dataset.classes
    if spec.detector:
        backbone = backbone_of(spec.model)
        net = FasterRCNN(spec.detector, backbone, classes)
        layers = [*backbone.features.layers, *backbone.regions.layers]
    else:
        net = build_model(spec.model, spec.dataset.image_shape, classes, spec.head_classes)
        layers = net.layers
    if spec.numerics.xla and spec.numerics.deterministic:
        pool_by_slices(layers)
    return net

"""The net that a run trains."""

import keras

from benchmark.detection.backbone import backbone_of
from benchmark.detection.faster_rcnn import FasterRCNN
from benchmark.models.build import build_model
from benchmark.spec import RunSpec


def build_net(spec: RunSpec) -> keras.Model:
    """A classifier, or a detector on the classifier's layers; weights are drawn from Keras's
    global seed."""
    classes = spec.dataset.classes
    if spec.detector:
        return FasterRCNN(spec.detector, backbone_of(spec.model), classes)
    head = spec.head_classes
    return build_model(spec.model, spec.dataset.image_shape, classes, head)

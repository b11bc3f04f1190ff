"""From a spec to a Keras model."""

import keras

from benchmark.models.layers import InputShape
from benchmark.models.resnet import build_resnet
from benchmark.models.vgg import build_vgg
from benchmark.spec import ModelSpec, VggSpec


def build_model(
    spec: ModelSpec,
    input_shape: InputShape,
    num_classes: int,
    head_classes: int | None = None,
    window: int | None = None,
) -> keras.Model:
    """The functional model of a spec.

    Images of ``input_shape`` (height, width, channels), normalised, to (batch, ``num_classes``)
    logits in float32. Weights are drawn from Keras's global seed. ``head_classes``: of a ResNet,
    whose classifier then has so many, and a dense layer after it the ``num_classes``. ``window``:
    see ``build_resnet``; VGG's classifier is slid over its features in any case.
    """
    if isinstance(spec, VggSpec):
        return build_vgg(spec, input_shape, num_classes)
    return build_resnet(spec, input_shape, num_classes, head_classes, window)

"""From a spec to a Keras model."""

import keras

from benchmark.models.families import net_of
from benchmark.models.layers import InputShape
from benchmark.spec import ModelSpec


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
    the classifier is slid over the feature map, and the logits are the mean over all its places
    (``SlidingPooling``).
    """
    return net_of(spec).build(spec, input_shape, num_classes, head_classes, window)

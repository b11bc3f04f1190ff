"""The construction of a Keras model from a spec."""

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
    """Build the functional model of a spec.

    Normalised images of ``input_shape`` (height, width, channels) to (batch, ``num_classes``)
    logits in float32. Weights are drawn with Keras's global seed. ``head_classes``: classes of a
    ResNet's classifier, followed by a dense layer with ``num_classes``. ``window``: the classifier
    slides over the feature map, and the logits are the mean over all its positions
    (``SlidingPooling``).
    """
    return net_of(spec).build(spec, input_shape, num_classes, head_classes, window)

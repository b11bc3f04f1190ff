"""Build a Keras model from a spec."""

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

    It maps normalised images of ``input_shape`` (height, width, channels) to float32 logits
    (batch, ``num_classes``). Weights are drawn from Keras's global seed. ``head_classes``: for a
    ResNet whose classifier has this many outputs and is followed by a dense layer of
    ``num_classes``. ``window``: the classifier is slid over the feature map, and the logits are the
    mean over all its positions (``SlidingPooling``).
    """
    return net_of(spec).build(spec, input_shape, num_classes, head_classes, window)

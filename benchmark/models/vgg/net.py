"""VGG-16 as in keras.applications, with its dense layers as convolutions."""

import keras
import numpy as np
from keras import KerasTensor, layers

from benchmark.models.backbone import Backbone
from benchmark.models.initializers import OnCpu
from benchmark.models.layers import InputShape
from benchmark.spec.vgg import VGG_CROP, VGG_DENSE, VGG_STAGES, VggSpec

VGG_DROPOUT = 0.5
"""Dropout rate of a detector's dense layers (py-faster-rcnn's, as in the pretraining of the paper's
[41])."""

BY_PATH = True


def build(
    spec: VggSpec,
    input_shape: InputShape,
    num_classes: int,
    head_classes: int | None = None,
    window: int | None = None,
) -> keras.Model:
    """See ``build_model``; the classifier always slides over the features.

    For images of 224x224 it is the same function as ``keras.applications.VGG16``, with the same
    layer names and order of weights. For larger images the logits are averaged over all positions,
    as in the tests of the paper's [41].
    """
    features = _convolutions(input_shape)
    x = _dense(features.output, dropout_rate=0.0)
    drawn = OnCpu("glorot_uniform")
    x = layers.Conv2D(
        num_classes, 1, kernel_initializer=drawn, dtype="float32", name="predictions"
    )(x)
    logits = layers.GlobalAveragePooling2D(dtype="float32", name="pool")(x)
    return keras.Model(features.input, logits, name=f"vgg{spec.depth}")


def folded(spec: VggSpec, model: keras.Model, build: object) -> None:
    """Return None: there is no batch normalisation."""


def responding_layers(spec: VggSpec) -> dict[str, str]:
    """Return no layers: none are measured."""
    return {}


def backbone(spec: VggSpec) -> Backbone:
    """Return conv1_1 to conv5_3, without the pooling that follows, and the two dense layers
    ([Faster], section 3.1), each with dropout in training. The dropout's random state is one of the
    net's variables, though not a weight: a resumed run drops the same units."""
    stages = VGG_STAGES[spec.depth]
    net = _convolutions((None, None, 3))
    boundary = net.get_layer(f"block{len(stages)}_conv{stages[-1][0]}").output
    size = VGG_CROP // 32
    region = layers.Input((size, size, boundary.shape[-1]), name="region")
    outputs = layers.Flatten(name="flat")(_dense(region, dropout_rate=VGG_DROPOUT))
    return Backbone(
        features=keras.Model(net.input, boundary, name="features"),
        regions=keras.Model(region, outputs, name="regions"),
        stride=2 ** (len(stages) - 1),
        parts=tuple(f"block{stage}_" for stage in range(1, len(stages) + 1)),
    )


def _convolutions(input_shape: InputShape) -> keras.Model:
    """Return ``block1_conv1`` to ``block5_pool``: normalised images of ``input_shape`` to (batch,
    height / 32, width / 32, 512), rounded down."""
    return keras.applications.VGG16(include_top=False, weights=None, input_shape=input_shape)


def _dense(x: KerasTensor, *, dropout_rate: float) -> KerasTensor:
    """Apply the two layers before the classifier, ``fc1`` and ``fc2``, each followed by dropout if
    the rate is not 0: (batch, height, width, 512) to (batch, height - 6, width - 6, 4096)."""
    for name, size in (("fc1", VGG_CROP // 32), ("fc2", 1)):
        drawn = OnCpu("glorot_uniform")
        x = layers.Conv2D(VGG_DENSE, size, activation="relu", kernel_initializer=drawn, name=name)(
            x
        )
        if dropout_rate:
            x = layers.Dropout(dropout_rate, name=f"{name}_dropout")(x)
    return x


def application_weights(application: keras.Model) -> dict[str, np.ndarray]:
    """Return the weights of ``keras.applications.VGG16`` with its classifier, by the paths of the
    weights of ``build``."""
    arrays = {}
    for layer in application.layers:
        for weight in layer.weights:
            array = weight.numpy()
            if isinstance(layer, layers.Dense) and array.ndim == 2:
                size = VGG_CROP // 32 if layer.name == "fc1" else 1
                array = array.reshape(size, size, -1, array.shape[1])
            arrays[f"{layer.name}/{weight.name}"] = array
    return arrays

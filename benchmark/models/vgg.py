"""VGG-16 of keras.applications, with its dense layers as convolutions."""

import keras
from keras import KerasTensor, layers

from benchmark.models.initializers import OnCpu
from benchmark.models.layers import InputShape
from benchmark.spec.vgg import VGG_CROP, VGG_DENSE, VggSpec


def build_vgg(spec: VggSpec, input_shape: InputShape, num_classes: int) -> keras.Model:
    """Images of ``input_shape``, normalised, to (batch, ``num_classes``) logits in float32.

    Of images of 224x224 the same function as ``keras.applications.VGG16``, with the same names of
    layers and order of weights. Larger ones have their logits averaged over all places, as the
    paper's [41] tested it.
    """
    features = vgg_convolutions(input_shape)
    x = vgg_dense(features.output, dropout_rate=0.0)
    drawn = OnCpu("glorot_uniform")
    x = layers.Conv2D(
        num_classes, 1, kernel_initializer=drawn, dtype="float32", name="predictions"
    )(x)
    logits = layers.GlobalAveragePooling2D(dtype="float32", name="pool")(x)
    return keras.Model(features.input, logits, name=f"vgg{spec.depth}")


def vgg_convolutions(input_shape: InputShape) -> keras.Model:
    """Images of ``input_shape``, normalised, to (batch, height / 32, width / 32, 512), rounded
    down: ``block1_conv1`` to ``block5_pool``."""
    return keras.applications.VGG16(include_top=False, weights=None, input_shape=input_shape)


def vgg_dense(x: KerasTensor, *, dropout_rate: float) -> KerasTensor:
    """The two layers before the classifier, ``fc1`` and ``fc2``, each with dropout after it if
    there is any: (batch, height, width, 512) to (batch, height - 6, width - 6, 4096)."""
    for name, size in (("fc1", VGG_CROP // 32), ("fc2", 1)):
        drawn = OnCpu("glorot_uniform")
        x = layers.Conv2D(VGG_DENSE, size, activation="relu", kernel_initializer=drawn, name=name)(
            x
        )
        if dropout_rate:
            x = layers.Dropout(dropout_rate, name=f"{name}_dropout")(x)
    return x


def vgg_weights(application: keras.Model) -> dict:
    """The weights of ``keras.applications.VGG16`` with its classifier, by the paths of those of
    ``build_vgg``."""
    arrays = {}
    for layer in application.layers:
        for weight in layer.weights:
            array = weight.numpy()
            if isinstance(layer, layers.Dense) and array.ndim == 2:
                size = VGG_CROP // 32 if layer.name == "fc1" else 1
                array = array.reshape(size, size, -1, array.shape[1])
            arrays[f"{layer.name}/{weight.name}"] = array
    return arrays

"""A classifier parted in two: what all regions share, and what is for each of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import keras
import numpy as np

from benchmark.models.build import build_model
from benchmark.models.layout import blocks
from benchmark.spec import ModelSpec


@dataclass(frozen=True)
class Backbone:
    """Two nets, whose layers have the names that they have in the classifier."""

    features: keras.Model
    """Images (batch, height, width, 3), normalised, to (batch, height / ``stride``,
    width / ``stride``, channels); rounded up."""
    regions: keras.Model
    """A region's features (n, size, size, channels) to (n, outputs)."""
    stride: int
    """Pixels to a feature."""


def resnet_backbone(spec: ModelSpec) -> Backbone:
    """Conv1 to conv4_x, and conv5_x with its average pooling (appendix A); of a net with another
    number of stages, all but the last, and the last. Weights are drawn from Keras's global seed.

    Raises ValueError where there is one stage alone.
    """
    last = len(spec.stage_blocks)
    if last < 2:
        raise ValueError(f"stage_blocks must name two stages or more. Received: {last}")
    shared = [block for block in blocks(spec) if block.stage < last]
    net = build_model(spec, (None, None, 3), num_classes=1)  # Its classifier is left behind.
    boundary = net.get_layer(f"{shared[-1].name}_relu{len(shared[-1].convolutions)}").output
    stem = 4 if spec.stem == "imagenet" else 1
    return Backbone(
        features=keras.Model(net.input, boundary, name="features"),
        regions=keras.Model(boundary, net.get_layer("pool").output, name="regions"),
        stride=stem * prod(block.stride for block in shared),
    )


def load_classifier(backbone: Backbone, arrays: Mapping[str, np.ndarray]) -> None:
    """Take over the weights of a net of ``build_model``, by their paths; those of its classifier
    are passed over. Raises ValueError, and sets none, where one is missing or of another shape."""
    weights = {w.path: w for net in (backbone.features, backbone.regions) for w in net.weights}
    for path, weight in weights.items():
        received = arrays[path].shape if path in arrays else "nothing"
        if received != tuple(weight.shape):
            raise ValueError(
                f"a classifier's weights must fit the backbone: {path} must be of shape "
                f"{tuple(weight.shape)}. Received: {received}"
            )
    for path, weight in weights.items():
        weight.assign(arrays[path])


def freeze(backbone: Backbone, stages: int) -> None:
    """Train nothing of the stem (``stages`` 1 or more) and of the ``stages`` - 1 stages after it.

    Raises ValueError where the shared features have fewer.
    """
    names = ["stem_", *(f"stage{stage}_" for stage in range(1, stages))][:stages]
    layers = backbone.features.layers
    for name in names:
        named = [layer for layer in layers if layer.name.startswith(name)]
        if not named:
            raise ValueError(
                f"frozen_stages must leave the last stage to be trained. Received: {stages}"
            )
        for layer in named:
            layer.trainable = False


def fix_batch_norm(backbone: Backbone) -> None:
    """Keep each statistic, scale and shift of batch normalisation as it is (appendix A)."""
    for layer in (*backbone.features.layers, *backbone.regions.layers):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def backbone_of(spec):
    return resnet_backbone(spec)

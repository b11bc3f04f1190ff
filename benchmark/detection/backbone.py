"""A classifier parted in two: what all regions share, and what is for each of them."""

from dataclasses import dataclass
from math import prod

import keras
from keras import layers

from benchmark.models.build import build_model
from benchmark.models.layout import blocks
from benchmark.models.vgg import vgg_convolutions, vgg_dense
from benchmark.spec import ModelSpec, ResNetSpec, VggSpec
from benchmark.spec.vgg import VGG_CROP, VGG_STAGES

VGG_DROPOUT = 0.5
"""Of the dense layers (py-faster-rcnn's, as in the pretraining of the paper's [41])."""


@dataclass(frozen=True)
class Backbone:
    """Two nets, whose layers have the names that they have in the classifier."""

    features: keras.Model
    """Images (batch, height, width, 3), normalised, to (batch, height / ``stride``,
    width / ``stride``, channels); rounded up, by VGG down."""
    regions: keras.Model
    """A region's features (n, size, size, channels) to (n, outputs). Of VGG ``size`` is known."""
    stride: int
    """Pixels to a feature."""
    parts: tuple[str, ...]
    """What the names of the layers of ``features`` begin with: those of conv1, of conv2_x, and so
    on."""

    @property
    def weights(self) -> list[keras.Variable]:
        """Of both, whose paths are those of the classifier's."""
        return [*self.features.weights, *self.regions.weights]

    def check_size(self, size: int) -> None:
        """Raises ValueError where ``regions`` takes no features of ``size`` by ``size``."""
        wanted = self.regions.input_shape[1]
        if wanted not in (None, size):
            raise ValueError(f"regions.size must be {wanted} for this backbone. Received: {size}")


def backbone_of(model: ModelSpec) -> Backbone:
    """The net that regions are found and classified by. Weights are drawn from Keras's global
    seed. Raises ValueError where ``model`` has one stage alone."""
    return vgg_backbone(model) if isinstance(model, VggSpec) else resnet_backbone(model)


def resnet_backbone(spec: ResNetSpec) -> Backbone:
    """Conv1 to conv4_x, and conv5_x with its average pooling (appendix A); of a net with another
    number of stages, all but the last, and the last."""
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
        parts=("stem_", *(f"stage{stage}_" for stage in range(1, last))),
    )


def vgg_backbone(spec: VggSpec) -> Backbone:
    """Conv1_1 to conv5_3, without the pooling that follows, and the two dense layers ([Faster],
    section 3.1), each with dropout in training. What is dropped is drawn from a state that is
    among the variables of the net, though not its weights: who goes on from it drops the same."""
    stages = VGG_STAGES[spec.depth]
    net = vgg_convolutions((None, None, 3))
    boundary = net.get_layer(f"block{len(stages)}_conv{stages[-1][0]}").output
    size = VGG_CROP // 32
    region = layers.Input((size, size, boundary.shape[-1]), name="region")
    outputs = layers.Flatten(name="flat")(vgg_dense(region, dropout_rate=VGG_DROPOUT))
    return Backbone(
        features=keras.Model(net.input, boundary, name="features"),
        regions=keras.Model(region, outputs, name="regions"),
        stride=2 ** (len(stages) - 1),
        parts=tuple(f"block{stage}_" for stage in range(1, len(stages) + 1)),
    )


def freeze(backbone: Backbone, stages: int) -> None:
    """Train nothing of the first ``stages`` of conv1, conv2_x, and so on.

    Raises ValueError, and freezes nothing, where the shared features have fewer.
    """
    if stages > len(backbone.parts):
        raise ValueError(
            f"frozen_stages must be at most {len(backbone.parts)}, the shared stages of this "
            f"backbone with conv1. Received: {stages}"
        )
    for layer in backbone.features.layers:
        if layer.name.startswith(backbone.parts[:stages]):
            layer.trainable = False


def fix_batch_norm(backbone: Backbone) -> None:
    """Keep each statistic, scale and shift of batch normalisation as it is (appendix A). VGG has
    none."""
    for layer in (*backbone.features.layers, *backbone.regions.layers):
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False

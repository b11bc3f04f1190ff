"""Which backbone a detector has, and which part of it is frozen."""

from keras import layers

from benchmark.models.backbone import Backbone
from benchmark.models.families import net_of
from benchmark.spec import ModelSpec


def backbone_of(model: ModelSpec) -> Backbone:
    """Return the net that finds and classifies regions. Weights are drawn from Keras's global seed.
    Raises ValueError if ``model`` has only one stage."""
    return net_of(model).backbone(model)


def freeze(backbone: Backbone, stages: int) -> None:
    """Freeze the first ``stages`` of conv1, conv2_x, and so on.

    Raises ValueError, and freezes nothing, if the shared features have fewer.
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
    """Freeze every statistic, scale and shift of batch normalization (appendix A). VGG has none."""
    for layer in (*backbone.features.layers, *backbone.regions.layers):
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False

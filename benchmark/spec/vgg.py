"""The net that the paper compares its own with."""

from typing import Annotated, Literal

from benchmark.spec.base import TOLD, Spec

VGG_STAGES = {16: ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))}
"""Weighted layers -> convolutions and filters of each stage, which pooling ends."""

VGG_DENSE, VGG_CROP = 4096, 224
"""Units of the two dense layers before the classifier; pixels on a side of their input image."""

VGG_REGION = 7
"""Height and width of a region's features, where it is a detector's backbone: what its dense layers
take."""


class VggSpec(Spec):
    """VGG-16 as keras.applications has it (the paper's [41]; tables 3, 4, 7 and 8)."""

    family: Annotated[Literal["vgg"], TOLD]

    depth: Literal[16] = 16
    """Weighted layers."""

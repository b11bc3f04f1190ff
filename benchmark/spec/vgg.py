"""The net that the paper compares its own nets with."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from benchmark.spec.base import TOLD, refuse
from benchmark.spec.cifar import CifarSpec
from benchmark.spec.net import NetSpec
from benchmark.spec.photographs import PhotographsSpec

if TYPE_CHECKING:
    from benchmark.spec.run import RunSpec

VGG_STAGES = {16: ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))}
"""Weighted layers -> convolutions and filters of each stage, each of which ends with pooling."""

VGG_DENSE, VGG_CROP = 4096, 224
"""Units of the two dense layers before the classifier; side of the input image, in pixels."""

VGG_REGION = 7
"""Height and width of a region's features if it is a detector's backbone: the input of its dense
layers."""


class VggSpec(NetSpec):
    """VGG-16 as keras.applications has it (the paper's [41]; tables 3, 4, 7 and 8)."""

    applications: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "VGG16": {"family": "vgg", "depth": 16}
    }
    implied_detector: ClassVar[Mapping[str, Any]] = {"regions": {"size": VGG_REGION}}
    measures_layers: ClassVar[bool] = False

    family: Annotated[Literal["vgg"], TOLD]

    depth: Literal[16] = 16
    """Weighted layers."""

    @property
    def name(self) -> str:
        """``vgg16``."""
        return f"vgg{self.depth}"

    @property
    def titles(self) -> tuple[str, ...]:
        """``VGG-16``."""
        return (f"VGG-{self.depth}",)

    def refuse_unfit(self, run: "RunSpec") -> None:
        """Raise if the rest of a run does not fit: it needs pretrained weights and its own crop."""
        data, pretrained = run.dataset, run.pretrained
        if isinstance(data, CifarSpec):
            raise refuse("model.family", f"must be resnet for {data.name}", self.family)
        if run.diagnostics.iterations:
            rule = "is only for ResNets and plain nets"
            raise refuse("diagnostics.iterations", rule, run.diagnostics.iterations)
        if pretrained is None:
            rule = "must be stated for VGG, whose training the paper does not describe"
            raise refuse("pretrained", rule, "nothing")
        if pretrained.source == "file":
            rule = "must be run or keras-applications for VGG"
            raise refuse("pretrained.source", rule, pretrained.source)
        if pretrained.mode == "dense-after-head":
            rule = "cannot be dense-after-head for VGG, which allows no layer after its head"
            raise refuse("pretrained.mode", rule, pretrained.mode)
        if run.schedule.iterations and run.numerics.xla and run.numerics.deterministic:
            rule = "must be false for VGG: XLA has no deterministic gradient for its max-pooling"
            raise refuse("numerics.xla", rule, True)
        if isinstance(data, PhotographsSpec) and data.crop_size != VGG_CROP:
            rule = f"must be {VGG_CROP} for VGG-{self.depth}"
            raise refuse("dataset.crop_size", rule, data.crop_size)
        if run.detector and run.detector.regions.size != VGG_REGION:
            rule = f"must be {VGG_REGION} for VGG"
            raise refuse("detector.regions.size", rule, run.detector.regions.size)

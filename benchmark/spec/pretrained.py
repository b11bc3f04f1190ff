"""The pretrained weights that a run starts from, and which of them are trained."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from benchmark.spec.base import TOLD, Spec, refuse, tag, told_by
from benchmark.spec.images import Sha256

APPLICATIONS_CLASSES = 1000
"""Classes of the weights of keras.applications."""

Mode = Literal["train-all", "new-head", "dense-after-head", "backbone", "as-published"]


class _Pretrained(Spec):
    """Transfer learning (not in the paper, except for its detectors): weights trained on other
    images, with the preprocessing they were trained with."""

    mode: Mode
    """``train-all``: a new classifier, and everything is trained. ``new-head``: a new classifier,
    and only it is trained; batch normalisation keeps its pretrained statistics.
    ``dense-after-head``: the pretrained classifier stays, so that every pretrained weight is used,
    a dense layer after it classifies, and everything is trained. ``backbone``: for a detector,
    whose layers start from it; the pretrained classifier is dropped. ``as-published``: nothing is
    new and nothing is trained (``schedule.iterations`` is 0), so that the net can be tested."""

    head_classes: int | None = Field(default=None, ge=1, le=65_536)
    """Only for ``dense-after-head``: the number of classes of the pretrained classifier."""

    backbone_rate: float = Field(default=1.0, gt=0, le=1)
    """Learning rate of the pretrained layers divided by that of the new layer."""

    other_preprocessing: bool = False
    """Use the weights with ``dataset.normalization``, whatever preprocessing they were trained
    with."""

    @property
    def run(self) -> str | None:
        """The id of the run that must finish first."""
        return None

    @model_validator(mode="after")
    def _mode_fits(self) -> "_Pretrained":
        if (self.mode == "dense-after-head") != (self.head_classes is not None):
            rule = "is stated with mode dense-after-head, and with no other"
            raise refuse("head_classes", rule, self.head_classes)
        if self.mode in ("new-head", "as-published") and self.backbone_rate != 1:
            rule = f"must be left out with mode {self.mode}, which does not train the backbone"
            raise refuse("backbone_rate", rule, self.backbone_rate)
        return self


class PretrainedRun(_Pretrained):
    """The weights of a finished run in the same results folder, with its preprocessing."""

    source: Annotated[Literal["run"], TOLD] = "run"

    name: str
    """The run's id or, in a suite file, one of its variants: the run with the same seed."""

    @property
    def run(self) -> str | None:
        """The id of the run that must finish first."""
        return self.name

    @model_validator(mode="after")
    def _name_is_an_id(self) -> "PretrainedRun":
        if len(self.name) != 16 or set(self.name) - set("0123456789abcdef"):
            rule = "must be an earlier variant, or a run's id (16 hexadecimal digits)"
            raise refuse("name", rule, self.name)
        return self


class PretrainedApplication(_Pretrained):
    """The weights of keras.applications, trained on ImageNet with Caffe's preprocessing."""

    source: Annotated[Literal["keras-applications"], TOLD] = "keras-applications"

    name: Literal["ResNet50", "ResNet101", "ResNet152", "VGG16"]
    """The nets whose weights fit one of this project's."""

    sha256: Sha256 | None = None
    """Digest of the arrays by name; other weights are rejected."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("mode") != "dense-after-head":
            return data
        stated = data.get("head_classes")
        return data if stated is not None else {**data, "head_classes": APPLICATIONS_CLASSES}

    @model_validator(mode="after")
    def _head_is_imagenets(self) -> "PretrainedApplication":
        if self.head_classes not in (None, APPLICATIONS_CLASSES):
            rule = f"must be {APPLICATIONS_CLASSES}, as these weights have"
            raise refuse("head_classes", rule, self.head_classes)
        return self


class PretrainedFile(_Pretrained):
    """The weights of a torch-style state dict in the ``weights`` folder of the data cache.
    torchvision's bottlenecks have their stride at the 3x3 convolution
    (``model.bottleneck_stride: 3x3``): in a net with the stride at the 1x1 every weight still fits,
    but the errors rise."""

    source: Annotated[Literal["file"], TOLD] = "file"

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*\.(safetensors|npz)$")
    """The plain name of a .safetensors or .npz file."""

    preprocessing: Literal["caffe", "torch"]
    """Preprocessing of the pixels. ``caffe``: blue first, ImageNet's channel means subtracted;
    ``torch``: 0 to 1, ImageNet's channel means subtracted, divided by their standard deviations."""

    sha256: Sha256
    """Digest of the file; any other file is rejected."""


PretrainedSpec = PretrainedRun | PretrainedApplication | PretrainedFile

PretrainedField = Annotated[
    Annotated[PretrainedRun, tag("run")]
    | Annotated[PretrainedApplication, tag("keras-applications")]
    | Annotated[PretrainedFile, tag("file")],
    *told_by("source", ("run", "keras-applications", "file"), lambda data: None),
]
"""The field of a spec; ``source`` is always required."""

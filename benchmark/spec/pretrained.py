"""Where a run's first weights come from, if not from chance, and what of them is trained."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from benchmark.spec.base import Spec, refuse

APPLICATIONS = ("ResNet50", "ResNet101", "ResNet152", "VGG16")
"""Nets of keras.applications whose weights fit a net of this project."""

_RUN_ID = re.compile(r"[0-9a-f]{16}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*\.(safetensors|npz)")


def _digest(text: str) -> str:
    if not _SHA256.fullmatch(text):
        raise ValueError("should be a SHA-256 as 64 hexadecimal digits")
    return text


class PretrainedSpec(Spec):
    """Transfer learning (not in the paper, but for its detectors): weights that were trained on
    other images, with the preprocessing that they were trained with."""

    source: Literal["run", "keras-applications", "file"]
    """``run``: a finished run of the same results folder; ``file``: a torch-style state dict in the
    ``weights`` folder of the data cache."""

    name: str
    """The run's id (in a suite file: one of its variants, whose run with the same seed is meant),
    the net's name in keras.applications, or the file's."""

    way: Literal["train-all", "new-head", "dense-after-head", "backbone", "as-published"]
    """``train-all``: a new classifier, and everything is trained. ``new-head``: a new classifier,
    and it alone is trained; batch normalisation keeps its pretrained statistics.
    ``dense-after-head``: the pretrained classifier stays, so that every pretrained weight is used,
    a dense layer after it classifies, and everything is trained. ``backbone``: of a detector, whose
    layers begin from it; the pretrained classifier is left behind. ``as-published``: nothing is new
    and nothing is trained (``schedule.iterations`` is 0), so that the net can be tested."""

    backbone_rate: float = Field(default=1.0, gt=0, le=1)
    """The learning rate of what is pretrained over that of the new layer."""

    preprocessing: Literal["caffe", "torch"] | None = None
    """What the pixels were before they came to the net. ``caffe``: blue first, ImageNet's channel
    means subtracted; ``torch``: 0 to 1, ImageNet's channel means subtracted, their standard
    deviations divided by. A file must state it; that of the others is known."""

    sha256: Annotated[str, AfterValidator(_digest)] | None = None
    """Of the weights, which are refused where theirs is another: the file's bytes, or those of the
    arrays by name. A file must state it; a run's id is as good."""

    other_preprocessing: bool = False
    """Use the weights with ``dataset.normalization`` all the same, whatever they were trained
    with."""

    @property
    def run(self) -> str | None:
        """The id of the run that is to be finished first."""
        return self.name if self.source == "run" else None

    @model_validator(mode="after")
    def _fields_fit(self) -> "PretrainedSpec":
        if self.source == "run" and not _RUN_ID.fullmatch(self.name):
            rule = "must be a variant that stands before, or a run's id (16 hexadecimal digits)"
            raise refuse("name", rule, self.name)
        if self.source == "keras-applications" and self.name not in APPLICATIONS:
            raise refuse("name", f"must be one of {', '.join(APPLICATIONS)}", self.name)
        if self.source == "file" and not _FILE.fullmatch(self.name):
            rule = "must be the plain name of a .safetensors or .npz file"
            raise refuse("name", rule, self.name)
        for field in ("preprocessing", "sha256"):
            stated = getattr(self, field)
            if self.source == "file" and stated is None:
                raise refuse(field, "must be stated for a file", stated)
        if self.source != "file" and self.preprocessing is not None:
            rule = f"belongs to files alone; that of {self.source} is known"
            raise refuse("preprocessing", rule, self.preprocessing)
        if self.source == "run" and self.sha256 is not None:
            raise refuse("sha256", "is not for runs, whose id is as good", self.sha256)
        if self.way in ("new-head", "as-published") and self.backbone_rate != 1:
            rule = f"must be left out with way {self.way}, which does not train the backbone"
            raise refuse("backbone_rate", rule, self.backbone_rate)
        return self

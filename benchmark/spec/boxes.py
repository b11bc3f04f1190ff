"""The images with boxes of a detector's run, and their preprocessing."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from benchmark.spec.base import TOLD, Ints, Spec, refuse
from benchmark.spec.images import Name, Sha256

PASTED = "pasted-cifar"
"""The data set made from the embedded CIFAR images."""

DETECTION_IMAGES = {
    "coco2014": (82_783, 40_504),
    "coco2017": (118_287, 5_000),
    "voc2007": (5_011, 4_952),
    "voc2012": (5_717, 5_823),
    "voc0712": (16_551, 4_952),
}
"""Training images and scored images of each known data set."""

DETECTION_CLASSES = {"coco2014": 80, "coco2017": 80, "voc2007": 20, "voc2012": 20, "voc0712": 20}
"""Classes of each known data set."""

_VOC_YEARS = {"voc2007": 2007, "voc0712": 2007, "voc2012": 2012}

SHORTER_SIDE, LONGEST_SIDE = 600, 1000
"""The paper's (appendix A) and Faster R-CNN's (its section 3.3), in pixels."""

_CLASSES = 10
"""Classes of CIFAR."""

_SIDE = 128
"""Height and width of a canvas, in pixels."""

_STRIDE = 32
"""Stride of the last stage of an ImageNet net: the sides of a batch are multiples of it."""


class BoxContentSpec(Spec):
    """The content of your own images with boxes, as counted when they were added."""

    classes: int = Field(ge=1, le=10**6)
    train_images: int = Field(ge=1, le=10**9)
    test_images: int = Field(ge=1, le=10**9)

    sha256: Sha256
    """Digest of the categories, the annotations and the files' content."""


class PastedSpec(Spec):
    """CIFAR images pasted onto larger canvases. Not in any paper: a data set for trying out a
    detector without a download."""

    train_canvases: int = Field(default=2000, ge=1, le=10**6)
    """Canvases made from the embedded training images."""

    test_canvases: int = Field(default=200, ge=1, le=10**6)
    """Canvases made from the embedded test images."""

    only_classes: Ints | None = Field(default=None, min_length=1)
    """Only the images of these classes, renumbered in this order: an easier set."""

    side: int = Field(default=_SIDE, ge=64, le=1024)
    """Height and width of a canvas, in pixels."""

    max_objects: int = Field(default=4, ge=1, le=16)
    """Each canvas has 1 to this many objects, or fewer if there is no room for more."""

    min_scale: float = Field(default=0.75, ge=0.25, le=16)
    """The smallest factor by which an image's 32 pixels are scaled."""

    max_scale: float = Field(default=1.5, ge=0.25, le=16)
    """The largest factor; the scaled image is at most half as long as the canvas."""

    background: Literal["photograph", "plain"] = "photograph"
    """``photograph``: one of the same CIFAR images, blurred, darkened and scaled to the canvas;
    the object in it is not labelled. ``plain``: one colour."""

    seed: int = Field(default=0, ge=0, lt=2**32)
    """Seed of the data set: another seed gives other canvases."""

    @model_validator(mode="after")
    def _scales_fit(self) -> "PastedSpec":
        least, most = self.min_scale, self.side / 64
        if not least <= self.max_scale <= most:
            rule = f"must be from min_scale ({least:g}) to side / 64 ({most:g})"
            raise refuse("max_scale", rule, self.max_scale)
        chosen = self.only_classes or ()
        if len(set(chosen)) != len(chosen) or not set(chosen) <= {*range(_CLASSES)}:
            rule = f"must be classes from 0 to {_CLASSES - 1}, each once"
            raise refuse("only_classes", rule, chosen)
        return self


class BoxesSpec(Spec):
    """The images and boxes of a detector's run, and their preprocessing (the paper's appendix A;
    Faster R-CNN, section 3.3)."""

    kind: Annotated[Literal["boxes"], TOLD] = "boxes"
    """Distinguishes images with boxes from images with only a class. Implied if a run has a
    detector."""

    name: Name
    """``coco2014`` (the paper's: trained on the training images, scored on the validation images)
    and ``coco2017``; ``voc2007`` (trained on trainval, scored on test), ``voc0712`` (the paper's
    "07+12": the trainval of both years, scored on the 2007 test), ``voc2012`` (trained on train,
    scored on val, as its test has no public boxes); ``pasted-cifar``; or the name under which you
    added your own images."""

    content: BoxContentSpec | None = None
    """Only for your own images, which require it, so that a run's id distinguishes them."""

    pasted: PastedSpec | None = None
    """Only for ``pasted-cifar``: how it is made."""

    shorter_side: int = Field(default=SHORTER_SIDE, ge=_STRIDE, le=4096)
    """Length to which an image's shorter side is scaled, in pixels. For ``pasted-cifar`` the
    default is the canvas's side."""

    longest_side: int = Field(default=LONGEST_SIDE, ge=_STRIDE, le=8192)
    """Limit on its longer side, in pixels; if it would be exceeded, the longer side is scaled to
    it instead. For ``pasted-cifar`` the default is the canvas's side."""

    padding: Literal["square", "by-orientation"] = "square"
    """``square``: each batch is as high and as wide as the longest side. ``by-orientation``: a
    batch holds only landscape or only portrait images and is only as large as those may be: two
    shapes, of smaller area. Every image is still shown equally often. The loss depends on it: the
    proposals' regression is divided by the anchor positions of the padded batch, 4,096 if square,
    2,432 by orientation, for sides of 600 and 1000 pixels ([Faster] has about 2,400)."""

    normalization: Literal["torch", "caffe", "pretrained"] = "torch"
    """``torch``: 0 to 1, ImageNet's channel means subtracted, divided by their standard deviations.
    ``caffe``: 0 to 255, blue first, ImageNet's channel means subtracted. ``pretrained``: as for the
    training of the pretrained weights."""

    flip: bool = True
    """Training only: mirror each image with probability 1/2."""

    max_boxes: int = Field(default=100, ge=1, le=1000)
    """Boxes per image that a training batch has room for. An image with more is an error."""

    train_without_objects: bool = False
    """Whether to train on images with no objects, or only crowds. Implementations of Faster R-CNN
    leave them out. They are scored in any case."""

    @property
    def held_out_images(self) -> int:
        """Always 0: no training images are held out for validation."""
        return 0

    @property
    def voc_year(self) -> int | None:
        """The year of the Pascal VOC protocol that scores the data set; None: only COCO's."""
        return _VOC_YEARS.get(self.name)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the square that every image fits in."""
        return self.longest_side, self.longest_side, 3

    @property
    def train_images(self) -> int:
        """The number of training images, including those without objects."""
        return self._images[0]

    @property
    def test_images(self) -> int:
        """The number of images scored."""
        return self._images[1]

    @property
    def classes(self) -> int:
        """The number of classes, not counting the background."""
        if self.pasted:
            return len(self.pasted.only_classes or range(_CLASSES))
        return self.content.classes if self.content else DETECTION_CLASSES[self.name]

    @property
    def _images(self) -> tuple[int, int]:
        if self.pasted:
            return self.pasted.train_canvases, self.pasted.test_canvases
        if self.content:
            return self.content.train_images, self.content.test_images
        return DETECTION_IMAGES[self.name]

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: object) -> object:
        """Fill in the settings of ``pasted-cifar``; errors are left to the fields' checks."""
        if not isinstance(data, dict) or data.get("name") != PASTED:
            return data
        data = {**data, "pasted": {} if data.get("pasted") is None else data["pasted"]}
        pasted = data["pasted"]
        stated = pasted if isinstance(pasted, dict) else {"side": getattr(pasted, "side", _SIDE)}
        side = stated.get("side", _SIDE)
        return {"shorter_side": side, "longest_side": side, **data}

    @model_validator(mode="after")
    def _fields_fit(self) -> "BoxesSpec":
        if self.pasted and self.name != PASTED:
            raise refuse("pasted", f"applies only to {PASTED}", self.pasted)
        known = (*DETECTION_IMAGES, PASTED)
        if self.name in known and self.content:
            raise refuse("content", "applies only to images of your own", self.content)
        if self.name not in known and not self.content:
            rule = (
                f"must be {', '.join(map(repr, known))}, or the name of your own images, stated "
                "with their content"
            )
            raise refuse("name", rule, self.name)
        if self.longest_side < self.shorter_side:
            rule = f"must be at least shorter_side ({self.shorter_side})"
            raise refuse("longest_side", rule, self.longest_side)
        return self

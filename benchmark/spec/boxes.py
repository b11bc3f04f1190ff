"""A detector's images with boxes, and how they are prepared."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from benchmark.spec.base import TOLD, Ints, Spec, refuse
from benchmark.spec.images import Name, Sha256

PASTED = "pasted-cifar"
"""The data set that is made from the embedded CIFAR images."""

DETECTION_IMAGES = {
    "coco2014": (82_783, 40_504),
    "coco2017": (118_287, 5_000),
    "voc2007": (5_011, 4_952),
    "voc2012": (5_717, 5_823),
    "voc0712": (16_551, 4_952),
}
"""Number of training images and of scored images of each known data set."""

DETECTION_CLASSES = {"coco2014": 80, "coco2017": 80, "voc2007": 20, "voc2012": 20, "voc0712": 20}
"""Number of classes of each known data set."""

_VOC_YEARS = {"voc2007": 2007, "voc0712": 2007, "voc2012": 2012}

SHORTER_SIDE, LONGEST_SIDE = 600, 1000
"""The paper's (appendix A) and Faster R-CNN's (section 3.3), in pixels."""

_CLASSES = 10
"""Number of classes of CIFAR-10."""

_SIDE = 128
"""Side of a canvas, in pixels."""

_STRIDE = 32
"""Stride of the last stage of a net for ImageNet: the sides of a batch are multiples of it."""


class BoxContentSpec(Spec):
    """The contents of your own images with boxes, as counted when they were added."""

    classes: int = Field(ge=1, le=10**6)
    train_images: int = Field(ge=1, le=10**9)
    test_images: int = Field(ge=1, le=10**9)

    sha256: Sha256
    """Digest of the categories, the annotations and the files' contents."""


class PastedSpec(Spec):
    """How CIFAR images are pasted onto larger canvases. Not from any paper: a data set to try a
    detector on without a download."""

    train_canvases: int = Field(default=2000, ge=1, le=10**6)
    """Number of canvases made from the embedded training images."""

    test_canvases: int = Field(default=200, ge=1, le=10**6)
    """Number of canvases made from the embedded test images."""

    only_classes: Ints | None = Field(default=None, min_length=1)
    """Use only images of these classes, renumbered in this order: an easier data set."""

    side: int = Field(default=_SIDE, ge=64, le=1024)
    """Height and width of a canvas, in pixels."""

    max_objects: int = Field(default=4, ge=1, le=16)
    """Objects on a canvas: from 1 to this number, fewer where there is no room for more."""

    min_scale: float = Field(default=0.75, ge=0.25, le=16)
    """The smallest factor by which an image's 32 pixels are scaled."""

    max_scale: float = Field(default=1.5, ge=0.25, le=16)
    """The largest such factor; a scaled image is at most half as long as the canvas."""

    background: Literal["photograph", "plain"] = "photograph"
    """``photograph``: one of the same CIFAR images, blurred, darkened and as large as the canvas;
    what it shows is not labelled. ``plain``: a single colour."""

    seed: int = Field(default=0, ge=0, lt=2**32)
    """The data set's seed: a different one gives different canvases."""

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
    """The images and boxes of a detector's run, and how they are prepared (the paper's appendix A;
    Faster R-CNN, section 3.3)."""

    kind: Annotated[Literal["boxes"], TOLD] = "boxes"
    """Tells images with boxes from those with only a class. Implied where a run states a
    detector."""

    name: Name
    """``coco2014`` (the paper's: trained on the training images, scored on the validation images)
    and ``coco2017``; ``voc2007`` (trained on trainval, scored on test), ``voc0712`` (the paper's
    "07+12": trained on both years' trainval, scored on 2007's test), ``voc2012`` (trained on train,
    scored on val, as its test has no public boxes); ``pasted-cifar``; or your own images, by the
    name they were added under."""

    content: BoxContentSpec | None = None
    """Stated for your own images only, so that a run's id tells them apart."""

    pasted: PastedSpec | None = None
    """``pasted-cifar`` only: how it is made."""

    shorter_side: int = Field(default=SHORTER_SIDE, ge=_STRIDE, le=4096)
    """The length to which an image's shorter side is scaled, in pixels. The default for
    ``pasted-cifar`` is the canvas's own."""

    longest_side: int = Field(default=LONGEST_SIDE, ge=_STRIDE, le=8192)
    """The limit on its longer side, in pixels; where it would be exceeded, the longer side is
    scaled to it instead. The default for ``pasted-cifar`` is the canvas's own."""

    padding: Literal["square", "by-orientation"] = "square"
    """``square``: each batch is as high and as wide as the longest side. ``by-orientation``: a
    batch holds images of a single orientation, landscape or portrait, and is only as large as these
    can be: two shapes of less area; each image is still shown as often as the others."""

    normalization: Literal["torch", "caffe", "pretrained"] = "torch"
    """``torch``: 0 to 1, minus ImageNet's channel means, divided by its standard deviations.
    ``caffe``: 0 to 255, blue first, minus ImageNet's channel means. ``pretrained``: what the
    pretrained weights were trained with."""

    flip: bool = True
    """In training, mirror each image with a probability of one half."""

    max_boxes: int = Field(default=100, ge=1, le=1000)
    """Boxes per image that a training batch has room for. An image with more is an error; its boxes
    are not cut."""

    train_without_objects: bool = False
    """Whether images with no objects, or only crowds, are trained on. Implementations that follow
    Faster R-CNN leave them out. They are scored in any case."""

    @property
    def held_out_images(self) -> int:
        """Zero: no training images are held out for scoring."""
        return 0

    @property
    def voc_year(self) -> int | None:
        """The year of the PASCAL VOC scoring that applies; None: COCO's only."""
        return _VOC_YEARS.get(self.name)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the square that every image fits into."""
        return self.longest_side, self.longest_side, 3

    @property
    def train_images(self) -> int:
        """How many images there are to train on, those without objects included."""
        return self._images[0]

    @property
    def test_images(self) -> int:
        """How many images are scored."""
        return self._images[1]

    @property
    def classes(self) -> int:
        """How many classes there are, not counting the background."""
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
        """Fill in how ``pasted-cifar`` is made; wrong values are left to the fields' checks."""
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
            raise refuse("pasted", f"belongs to {PASTED} alone", self.pasted)
        known = (*DETECTION_IMAGES, PASTED)
        if self.name in known and self.content:
            raise refuse("content", "belongs to images of your own alone", self.content)
        if self.name not in known and not self.content:
            rule = (
                f"must be {', '.join(map(repr, known))}, or that of images of your own, stated "
                "with their content"
            )
            raise refuse("name", rule, self.name)
        if self.longest_side < self.shorter_side:
            rule = f"must be at least shorter_side ({self.shorter_side})"
            raise refuse("longest_side", rule, self.longest_side)
        return self

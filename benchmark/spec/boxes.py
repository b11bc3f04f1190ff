"""Which images with boxes, prepared how, for a detector."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from benchmark.spec.base import TOLD, Ints, Spec, refuse
from benchmark.spec.images import Name, Sha256

PASTED = "pasted-cifar"
"""The set that is made of embedded CIFAR images."""

DETECTION_IMAGES = {
    "coco2014": (82_783, 40_504),
    "coco2017": (118_287, 5_000),
    "voc2007": (5_011, 4_952),
    "voc2012": (5_717, 5_823),
    "voc0712": (16_551, 4_952),
}
"""Images of each known data set that may be trained on, and that are scored."""

DETECTION_CLASSES = {"coco2014": 80, "coco2017": 80, "voc2007": 20, "voc2012": 20, "voc0712": 20}
"""Classes of each known data set."""

_VOC_YEARS = {"voc2007": 2007, "voc0712": 2007, "voc2012": 2012}

SHORTER_SIDE, LONGEST_SIDE = 600, 1000
"""The paper's (appendix A) and that of Faster R-CNN (its section 3.3), in pixels."""

_CLASSES = 10
"""Of CIFAR."""

_SIDE = 128
"""Of a canvas, in pixels."""

_STRIDE = 32
"""Of the last stage of a net for ImageNet: the sides of a batch are multiples of it."""


class BoxContentSpec(Spec):
    """What images with boxes of your own are, as they were counted when they were added."""

    classes: int = Field(ge=1, le=10**6)
    train_images: int = Field(ge=1, le=10**9)
    test_images: int = Field(ge=1, le=10**9)

    sha256: Sha256
    """Of the categories, the annotations and the files' content."""


class PastedSpec(Spec):
    """How CIFAR images are pasted onto larger canvases. Of no paper: a set to try a detector on,
    where its data needs no download."""

    train_canvases: int = Field(default=2000, ge=1, le=10**6)
    """Made of the embedded training images."""

    test_canvases: int = Field(default=200, ge=1, le=10**6)
    """Made of the embedded test images."""

    only_classes: Ints | None = Field(default=None, min_length=1)
    """Images of these classes alone, renumbered in this order: an easier set."""

    side: int = Field(default=_SIDE, ge=64, le=1024)
    """Height and width of a canvas, in pixels."""

    max_objects: int = Field(default=4, ge=1, le=16)
    """Objects on a canvas: from 1 to so many, fewer where there is no room for more."""

    min_scale: float = Field(default=0.75, ge=0.25, le=16)
    """Of the factors that an image's 32 pixels are scaled by."""

    max_scale: float = Field(default=1.5, ge=0.25, le=16)
    """At the most so that it is half as long as the canvas."""

    background: Literal["photograph", "plain"] = "photograph"
    """``photograph``: one of the same CIFAR images, blurred, darkened and as large as the canvas;
    what it shows is not labelled. ``plain``: one colour."""

    seed: int = Field(default=0, ge=0, lt=2**32)
    """Of the set: another one gives other canvases."""

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
    """The images and boxes of a detector's run, and what is done to them (the paper's appendix A;
    Faster R-CNN, section 3.3)."""

    kind: Annotated[Literal["boxes"], TOLD] = "boxes"
    """Sets images with boxes apart from those that have a class alone. Implied where a run states
    a detector."""

    name: Name
    """``coco2014`` (the paper's: trained on the training images, scored on those of validation) and
    ``coco2017``; ``voc2007`` (trained on trainval, scored on test), ``voc0712`` (the paper's
    "07+12": the trainval of both years, scored on 2007's test), ``voc2012`` (trained on train,
    scored on val, as its test has no public boxes); ``pasted-cifar``; or images of your own, by
    the name they were added under."""

    content: BoxContentSpec | None = None
    """Images of your own alone, which state it: so a run's id tells them apart."""

    pasted: PastedSpec | None = None
    """``pasted-cifar`` alone: how it is made."""

    shorter_side: int = Field(default=SHORTER_SIDE, ge=_STRIDE, le=4096)
    """What an image's shorter side is scaled to, in pixels. Of ``pasted-cifar`` by default a
    canvas's own."""

    longest_side: int = Field(default=LONGEST_SIDE, ge=_STRIDE, le=8192)
    """The most that its longer side may then have, in pixels; else that one is scaled to this. Of
    ``pasted-cifar`` by default a canvas's own."""

    padding: Literal["square", "by-orientation"] = "square"
    """``square``: each batch is as high and as wide as the longest side. ``by-orientation``: a
    batch holds images of one orientation alone, wide or high ones, and is only as large as these
    may be: two shapes, of less area, and each is shown as often as the others all the same."""

    normalization: Literal["torch", "caffe", "pretrained"] = "torch"
    """``torch``: 0 to 1, ImageNet's channel means subtracted, their standard deviations divided by.
    ``caffe``: 0 to 255, blue first, ImageNet's channel means subtracted. ``pretrained``: what the
    pretrained weights were trained with."""

    flip: bool = True
    """Training alone: of every other image, at random, its mirror image is shown."""

    max_boxes: int = Field(default=100, ge=1, le=1000)
    """That a training batch has room for, an image. Images with more are an error, not cut."""

    train_without_objects: bool = False
    """Whether images that have no object, or crowds alone, are trained on. Those who follow Faster
    R-CNN leave them out. They are scored in any case."""

    @property
    def held_out_images(self) -> int:
        """None: no training images are kept apart to be scored."""
        return 0

    @property
    def voc_year(self) -> int | None:
        """Whose way of scoring the data set is judged by; None: COCO's alone."""
        return _VOC_YEARS.get(self.name)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the square that every image fits in."""
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
        """How many classes there are, the background not counted."""
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
        """Fill in what ``pasted-cifar`` is made by; what is wrong is left to the fields' checks."""
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

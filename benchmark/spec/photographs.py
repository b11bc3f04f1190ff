"""Photographs with one class each: files of many sizes, decoded on demand."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from benchmark.spec.base import TOLD, Ints, Spec, refuse
from benchmark.spec.cifar import IN_MEMORY
from benchmark.spec.images import Name, Sha256

IMAGENET = "imagenet2012"

IMAGENET_IMAGES, IMAGENET_CLASSES = (1_281_167, 50_000), 1000
"""Training images, and images of the validation set, which serves as the test set."""

CROP_SIZE, SHORTER_SIDE, TEST_SHORTER_SIDE = 224, (256, 480), 256
"""The paper's (section 3.4), in pixels."""


class ContentSpec(Spec):
    """The content of your own photographs, as counted by ``resnet-bench data add``."""

    classes: int = Field(ge=2, le=10**6)
    train_images: int = Field(ge=1, le=10**9)
    test_images: int = Field(ge=1, le=10**9)

    sha256: Sha256
    """Digest of the files' names, classes and content."""


class PhotographsSpec(Spec):
    """The images of a run, and their preprocessing (section 3.4 of the paper)."""

    kind: Annotated[Literal["photographs"], TOLD] = "photographs"

    name: Name
    """``imagenet2012``, or the name under which you added your own photographs."""

    content: ContentSpec | None = None
    """Only for your own photographs, which require it, so that a run's id distinguishes them."""

    held_out_images: int = Field(default=0, ge=0)
    """Number of training images, the last of a fixed permutation, held out for validation."""

    normalization: Literal[
        "per-pixel-mean", "per-channel-mean", "per-channel-mean-std", "none", "pretrained"
    ] = "per-pixel-mean"
    """Computed from the images trained on: the mean image is subtracted (the paper), or each
    channel's mean, or that and division by each channel's standard deviation, or nothing.
    ``pretrained``: as for the pretrained weights, including range and channel order."""

    statistics_images: int | None = Field(default=10_000, ge=1)
    """Maximum number of training images from which means, deviations and principal colours are
    computed. ``null``: all, as in the paper; for ImageNet this takes one core about an hour,
    once."""

    pixel_range: Literal["0-1", "0-255"] = "0-1"
    """The range of the pixels before they are normalised. The paper does not state it."""

    augmentation: Literal["scale-crop-flip", "area-crop-flip", "none"] = "scale-crop-flip"
    """``scale-crop-flip``: scaling to a random shorter side, a random crop, a random flip (the
    paper). ``area-crop-flip`` (not in the paper): a random part of 8 to 100 % of the area, scaled
    to the crop, a random flip. ``none``: the centre crop, as in scoring."""

    crop_size: int = Field(default=CROP_SIZE, ge=16, le=4096)
    """Height and width of a net's input, in pixels."""

    shorter_side: Ints | None = Field(default=None, min_length=2, max_length=2)
    """Only for ``scale-crop-flip``: the minimum and maximum length of a photograph's scaled shorter
    side, in pixels. By default proportional to the crop: 256 and 480 for a crop of 224."""

    test_shorter_side: int = Field(ge=16, le=8192)
    """Shorter side of the photographs that are scored or used for the mean, in pixels. By default
    proportional to the crop: 256 for a crop of 224 (AlexNet's)."""

    lighting: bool = True
    """AlexNet's colour augmentation, along the principal components of the pixels' colours."""

    @property
    def train_images(self) -> int:
        """The number of images trained on."""
        return self._images[0] - self.held_out_images

    @property
    def test_images(self) -> int:
        """The number of images in the test split."""
        return self._images[1]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a net's input."""
        return self.crop_size, self.crop_size, 3

    @property
    def classes(self) -> int:
        """The number of classes."""
        return self.content.classes if self.content else IMAGENET_CLASSES

    @property
    def _images(self) -> tuple[int, int]:
        own = self.content
        return (own.train_images, own.test_images) if own else IMAGENET_IMAGES

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        """Fill in sizes in proportion to the crop; errors are left to the fields' checks."""
        if not isinstance(data, dict):
            return data
        stated = {field: value for field, value in data.items() if value is not None}
        crop = stated.get("crop_size", CROP_SIZE)
        implied: dict[str, Any] = {}
        if isinstance(crop, int):
            implied["test_shorter_side"] = crop * TEST_SHORTER_SIDE // CROP_SIZE
            if stated.get("augmentation", "scale-crop-flip") == "scale-crop-flip":
                implied["shorter_side"] = tuple(crop * side // CROP_SIZE for side in SHORTER_SIDE)
        return data | {field: implied[field] for field in implied if field not in stated}

    @model_validator(mode="after")
    def _fields_fit(self) -> "PhotographsSpec":
        if self.name == IMAGENET and self.content:
            raise refuse("content", "applies only to photographs of your own", self.content)
        if (self.name != IMAGENET and not self.content) or self.name in IN_MEMORY:
            rule = (
                f"must be {', '.join((*IN_MEMORY, IMAGENET))}, or the name of your own "
                "photographs, stated with their content (resnet-bench data add prints both); "
                "images with boxes are for runs that state a detector"
            )
            raise refuse("name", rule, self.name)
        if self.shorter_side and self.augmentation != "scale-crop-flip":
            raise refuse("shorter_side", "applies only to scale-crop-flip", self.shorter_side)
        crop, sides = self.crop_size, self.shorter_side
        if sides and not crop <= sides[0] <= sides[1] <= 8192:
            rule = f"must rise from crop_size ({crop}) at the least to 8192 at the most"
            raise refuse("shorter_side", rule, sides)
        if self.test_shorter_side < crop:
            rule = f"must be at least crop_size ({crop})"
            raise refuse("test_shorter_side", rule, self.test_shorter_side)
        if self.train_images < 1:
            rule = f"must be less than the {self._images[0]} training images"
            raise refuse("held_out_images", rule, self.held_out_images)
        return self

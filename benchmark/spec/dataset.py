"""Which images, prepared how."""

from typing import Literal

from pydantic import Field, model_validator

from benchmark.spec.base import Ints, Spec, refuse

TRAIN_IMAGES = {"cifar10": 50_000, "cifar10-subset": 5_000, "imagenet2012": 1_281_167}
"""Training images of each known data set."""

TEST_IMAGES = {"cifar10": 10_000, "cifar10-subset": 1_000, "imagenet2012": 50_000}
"""Test images of each known data set; ImageNet's are those of its validation set."""

IMAGE_SHAPE = {"cifar10": (32, 32, 3), "cifar10-subset": (32, 32, 3)}
"""Height, width and channels of the images of one size; all other data sets are photographs."""

CLASSES = {"cifar10": 10, "cifar10-subset": 10, "imagenet2012": 1000}
"""Classes of each known data set."""

CROP_SIZE, SHORTER_SIDE, TEST_SHORTER_SIDE = 224, (256, 480), 256
"""The paper's (section 3.4), in pixels."""

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
"""What a data set may be called."""

NAME_LENGTH = 100
"""The most characters that it may have."""


class ContentSpec(Spec):
    """What photographs of your own are, as ``resnet-bench data add`` counted them."""

    classes: int = Field(ge=2, le=10**6)
    train_images: int = Field(ge=1, le=10**9)
    test_images: int = Field(ge=1, le=10**9)

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """Of the files' names, classes and content."""


class DatasetSpec(Spec):
    """The images of a run and what is done to them (CIFAR-10: section 4.2 of the paper;
    photographs: section 3.4)."""

    name: str = Field(pattern=NAME, max_length=NAME_LENGTH)
    """``cifar10``; ``cifar10-subset``, the embedded 500 training and 100 test images of each
    class; ``imagenet2012``; or photographs of your own, by the name they were added under."""

    only_classes: Ints | None = None
    """CIFAR-10 alone: the images of these classes, numbered anew in this order."""

    train_per_class: int | None = Field(default=None, ge=1)
    """CIFAR-10 alone: of the training images the first so many of each class."""

    held_out_images: int = Field(default=0, ge=0)
    """So many training images are kept for validation. CIFAR-10: the last in the official order;
    5000 of the full set is the paper's 45k/5k split, 0 trains on all 50k. Photographs: the last of
    a fixed permutation, since their own order goes by class."""

    normalization: Literal[
        "per-pixel-mean", "per-channel-mean", "per-channel-mean-std", "none", "pretrained"
    ] = "per-pixel-mean"
    """From the images trained on: the mean image subtracted (the paper), each channel's mean
    subtracted (photographs alone) and its standard deviation divided by, or nothing.
    ``pretrained``: what the pretrained weights were trained with, in range and order of the
    channels, too."""

    pixel_range: Literal["0-1", "0-255"] = "0-1"
    """The range of the pixels before they are normalised. The paper does not state it."""

    augmentation: Literal["pad-crop-flip", "scale-crop-flip", "area-crop-flip", "none"] = (
        "pad-crop-flip"
    )
    """``pad-crop-flip`` (CIFAR-10's, and its default): 4 zeros on each side after normalisation, a
    random crop, a random horizontal flip. ``scale-crop-flip`` (photographs', and their default):
    scaled to a random shorter side, a random crop, a random flip. ``area-crop-flip`` (photographs;
    not in the paper): a random part of 8 to 100 % of the area, scaled to the crop, a random flip.
    ``none``: what is scored; of photographs the centre crop."""

    content: ContentSpec | None = None
    """Photographs of your own alone, which state it: so a run's id tells them apart."""

    crop_size: int | None = Field(default=None, ge=16, le=4096)
    """Photographs alone: height and width of a net's input, in pixels; 224 by default."""

    shorter_side: Ints | None = Field(default=None, min_length=2, max_length=2)
    """``scale-crop-flip`` alone: the least and the greatest length that a photograph's shorter
    side is scaled to, in pixels. By default 256 and 480 at a crop of 224, in proportion to it."""

    test_shorter_side: int | None = Field(default=None, ge=16, le=8192)
    """Photographs alone: the shorter side of those that are scored and of those that the mean is
    taken of, in pixels. By default 256 at a crop of 224 (AlexNet's), in proportion to it."""

    lighting: bool | None = None
    """Photographs alone: AlexNet's colour augmentation, along the principal components of the
    pixels' colours. On by default, as in the paper."""

    @property
    def photographs(self) -> bool:
        """Whether the images are files of many sizes, decoded as they are needed."""
        return self.name not in IMAGE_SHAPE

    @property
    def train_images(self) -> int:
        """How many images are trained on."""
        return self._chosen_train_images - self.held_out_images

    @property
    def test_images(self) -> int:
        """How many images the test split has."""
        if self.content:
            return self.content.test_images
        return TEST_IMAGES[self.name] // CLASSES[self.name] * self.classes

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a net's input."""
        return (self.crop_size, self.crop_size, 3) if self.crop_size else IMAGE_SHAPE[self.name]

    @property
    def classes(self) -> int:
        """How many classes there are."""
        if self.only_classes is not None:
            return len(self.only_classes)
        return self.content.classes if self.content else CLASSES[self.name]

    @property
    def _chosen_train_images(self) -> int:
        if self.photographs:
            return self.content.train_images if self.content else TRAIN_IMAGES[self.name]
        each = TRAIN_IMAGES[self.name] // CLASSES[self.name]
        return self.classes * min(each, self.train_per_class or each)

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: object) -> object:
        """Fill in what photographs are prepared by; what is wrong is left to the fields' checks."""
        if not isinstance(data, dict) or not isinstance(data.get("name"), str):
            return data
        if data["name"] in IMAGE_SHAPE:
            return data
        data = dict(data)
        data.setdefault("augmentation", "scale-crop-flip")
        stated = {field: value for field, value in data.items() if value is not None}
        crop = stated.get("crop_size", CROP_SIZE)
        filled: dict[str, object] = {"crop_size": CROP_SIZE, "lighting": True}
        if isinstance(crop, int):
            filled["test_shorter_side"] = crop * TEST_SHORTER_SIDE // CROP_SIZE
            if data["augmentation"] == "scale-crop-flip":
                filled["shorter_side"] = tuple(crop * side // CROP_SIZE for side in SHORTER_SIDE)
        return {**data, **filled, **stated}

    @model_validator(mode="after")
    def _fields_fit(self) -> "DatasetSpec":
        self._refuse_names_without_content()
        if self.photographs:
            self._refuse_what_does_not_fit_photographs()
        else:
            self._refuse_what_belongs_to_photographs()
        if self.train_images < 1:
            rule = f"must be less than the {self._chosen_train_images} training images"
            raise refuse("held_out_images", rule, self.held_out_images)
        return self

    def _refuse_names_without_content(self) -> None:
        if self.name in TRAIN_IMAGES and self.content:
            raise refuse("content", "belongs to photographs of your own alone", self.content)
        if self.name not in TRAIN_IMAGES and not self.content:
            rule = (
                f"must be {', '.join(map(repr, TRAIN_IMAGES))}, or that of photographs of your "
                "own, stated with their content (resnet-bench data add prints both); images with "
                "boxes are for runs that state a detector"
            )
            raise refuse("name", rule, self.name)

    def _refuse_what_does_not_fit_photographs(self) -> None:
        for field in ("only_classes", "train_per_class"):
            if getattr(self, field) is not None:
                raise refuse(field, "belongs to CIFAR-10 alone", getattr(self, field))
        if self.augmentation == "pad-crop-flip":
            rule = "of photographs must be 'scale-crop-flip', 'area-crop-flip' or 'none'"
            raise refuse("augmentation", rule, self.augmentation)
        if self.shorter_side and self.augmentation != "scale-crop-flip":
            raise refuse("shorter_side", "belongs to scale-crop-flip alone", self.shorter_side)
        crop, sides = self.image_shape[0], self.shorter_side
        if sides and not crop <= sides[0] <= sides[1] <= 8192:
            rule = f"must rise from crop_size ({crop}) at the least to 8192 at the most"
            raise refuse("shorter_side", rule, sides)
        if self.test_shorter_side is not None and self.test_shorter_side < crop:
            rule = f"must be at least crop_size ({crop})"
            raise refuse("test_shorter_side", rule, self.test_shorter_side)

    def _refuse_what_belongs_to_photographs(self) -> None:
        for field in ("crop_size", "shorter_side", "test_shorter_side", "lighting"):
            if getattr(self, field) is not None:
                raise refuse(field, "belongs to photographs alone", getattr(self, field))
        if self.augmentation not in ("pad-crop-flip", "none"):
            rule = f"of {self.name} must be 'pad-crop-flip' or 'none'"
            raise refuse("augmentation", rule, self.augmentation)
        if self.normalization == "per-channel-mean":
            raise refuse("normalization", "belongs to photographs alone", self.normalization)
        chosen, there = self.only_classes, CLASSES[self.name]
        if chosen is not None and not (
            1 < len(set(chosen)) == len(chosen) and set(chosen) < {*range(there)}
        ):
            rule = f"must be two or more, but not all, of the classes 0 to {there - 1}, each once"
            raise refuse("only_classes", rule, chosen)
        each = TRAIN_IMAGES[self.name] // there
        if self.train_per_class is not None and self.train_per_class >= each:
            rule = f"must be less than the {each} training images of a class"
            raise refuse("train_per_class", rule, self.train_per_class)

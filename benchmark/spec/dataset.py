"""Which images, prepared how."""

from typing import Literal

from pydantic import Field, model_validator

from benchmark.spec.base import Ints, Spec, refuse

TRAIN_IMAGES = {"cifar10": 50_000, "cifar10-subset": 5_000}
"""Training images of each data set."""

TEST_IMAGES = {"cifar10": 10_000, "cifar10-subset": 1_000}
"""Test images of each data set."""

IMAGE_SHAPE = {"cifar10": (32, 32, 3), "cifar10-subset": (32, 32, 3)}
"""Height, width and channels of a net's input."""

CLASSES = {"cifar10": 10, "cifar10-subset": 10}
"""Classes of each data set."""


class DatasetSpec(Spec):
    """The images of a run and what is done to them (CIFAR-10: section 4.2 of the paper)."""

    name: Literal["cifar10", "cifar10-subset"]
    """``cifar10-subset``: the embedded 500 training and 100 test images of each class."""

    only_classes: Ints | None = None
    """The images of these classes alone, which are numbered anew in this order."""

    train_per_class: int | None = Field(default=None, ge=1)
    """Of the training images the first so many of each class alone."""

    held_out_images: int = Field(default=0, ge=0)
    """The last so many training images, in the official order, are kept for validation:
    5000 of the full set is the paper's 45k/5k split, 0 trains on all 50k."""

    normalization: Literal["per-pixel-mean", "per-channel-mean-std", "none", "pretrained"] = (
        "per-pixel-mean"
    )
    """From the images trained on: the mean image subtracted (the paper), each channel's mean
    subtracted and its standard deviation divided by, or nothing. ``pretrained``: what the
    pretrained weights were trained with, in range and order of the channels, too."""

    pixel_range: Literal["0-1", "0-255"] = "0-1"
    """The range of the pixels before they are normalised. The paper does not state it."""

    augmentation: Literal["pad-crop-flip", "none"] = "pad-crop-flip"
    """``pad-crop-flip``: 4 zeros on each side after normalisation, a random crop, a random
    horizontal flip."""

    @property
    def train_images(self) -> int:
        """How many images are trained on."""
        return self._chosen_train_images - self.held_out_images

    @property
    def test_images(self) -> int:
        """How many images the test split has."""
        return TEST_IMAGES[self.name] // CLASSES[self.name] * self.classes

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a net's input."""
        return IMAGE_SHAPE[self.name]

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return CLASSES[self.name] if self.only_classes is None else len(self.only_classes)

    @property
    def _chosen_train_images(self) -> int:
        each = TRAIN_IMAGES[self.name] // CLASSES[self.name]
        return self.classes * min(each, self.train_per_class or each)

    @model_validator(mode="after")
    def _fields_fit(self) -> "DatasetSpec":
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
        if self.train_images < 1:
            rule = f"must be less than the {self._chosen_train_images} training images"
            raise refuse("held_out_images", rule, self.held_out_images)
        return self

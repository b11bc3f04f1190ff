"""CIFAR-10: images of one size, held in memory."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from benchmark.spec.base import TOLD, Ints, Spec, refuse

CIFAR_IMAGES = {"cifar10": (50_000, 10_000), "cifar10-subset": (5_000, 1_000)}
"""Number of training and test images of each data set."""

CIFAR_CLASSES, CIFAR_SIDE = 10, 32


class CifarSpec(Spec):
    """The images of a run, and how they are prepared (section 4.2 of the paper)."""

    kind: Annotated[Literal["cifar"], TOLD] = "cifar"

    name: Literal["cifar10", "cifar10-subset"]
    """``cifar10-subset``: the 500 training and 100 test images of each class that come with the
    project."""

    only_classes: Ints | None = None
    """Use only the images of these classes, renumbered in this order."""

    train_per_class: int | None = Field(default=None, ge=1)
    """Use only this many training images of each class, the first ones."""

    held_out_images: int = Field(default=0, ge=0)
    """How many training images, the last in the official order, are held out for validation: 5000
    of the full set is the paper's 45k/5k split, 0 trains on all 50k."""

    normalization: Literal[
        "per-pixel-mean", "per-channel-mean", "per-channel-mean-std", "none", "pretrained"
    ] = "per-pixel-mean"
    """Subtract the training images' mean image (the paper), or each channel's mean, or also divide
    by each channel's standard deviation, or do none of these. ``pretrained``: as for the pretrained
    weights, including the range and order of the channels."""

    pixel_range: Literal["0-1", "0-255"] = "0-1"
    """The range of the pixels before normalisation. The paper does not state it."""

    augmentation: Literal["pad-crop-flip", "none"] = "pad-crop-flip"
    """``pad-crop-flip``: 4 pixels of padding per side, a random crop, a random horizontal flip."""

    padding: Literal["zero", "black"] = "zero"
    """``pad-crop-flip`` only. ``zero``: pad after normalisation, so that the padding is the mean;
    ``black``: before it. The paper does not say."""

    @property
    def train_images(self) -> int:
        """How many images are trained on."""
        return self._chosen_train_images - self.held_out_images

    @property
    def test_images(self) -> int:
        """How many images the test split has."""
        return CIFAR_IMAGES[self.name][1] // CIFAR_CLASSES * self.classes

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a net's input."""
        return CIFAR_SIDE, CIFAR_SIDE, 3

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return CIFAR_CLASSES if self.only_classes is None else len(self.only_classes)

    @property
    def _chosen_train_images(self) -> int:
        each = CIFAR_IMAGES[self.name][0] // CIFAR_CLASSES
        return self.classes * min(each, self.train_per_class or each)

    @model_validator(mode="after")
    def _fields_fit(self) -> "CifarSpec":
        chosen, there = self.only_classes, CIFAR_CLASSES
        if chosen is not None and not (
            1 < len(set(chosen)) == len(chosen) and set(chosen) < {*range(there)}
        ):
            rule = f"must be two or more, but not all, of the classes 0 to {there - 1}, each once"
            raise refuse("only_classes", rule, chosen)
        each = CIFAR_IMAGES[self.name][0] // there
        if self.train_per_class is not None and self.train_per_class >= each:
            rule = f"must be less than the {each} training images of a class"
            raise refuse("train_per_class", rule, self.train_per_class)
        if self.train_images < 1:
            rule = f"must be less than the {self._chosen_train_images} training images"
            raise refuse("held_out_images", rule, self.held_out_images)
        if self.padding != "zero" and self.augmentation != "pad-crop-flip":
            raise refuse("padding", "belongs to pad-crop-flip alone", self.padding)
        return self

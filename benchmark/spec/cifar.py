"""CIFAR-10: images of one size, held in memory."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from benchmark.spec.base import TOLD, Ints, Spec, refuse

CIFAR_IMAGES = {"cifar10": (50_000, 10_000), "cifar10-subset": (5_000, 1_000)}
"""Training and test images of each data set."""

CIFAR_CLASSES, CIFAR_SIDE = 10, 32


class CifarSpec(Spec):
    """The images of a run, and their preprocessing (section 4.2 of the paper)."""

    kind: Annotated[Literal["cifar"], TOLD] = "cifar"

    name: Literal["cifar10", "cifar10-subset"]
    """``cifar10-subset``: the 500 training and 100 test images per class that come with the
    project."""

    only_classes: Ints | None = None
    """Only the images of these classes, renumbered in this order."""

    train_per_class: int | None = Field(default=None, ge=1)
    """Use only this many training images of each class, the first ones."""

    held_out_images: int = Field(default=0, ge=0)
    """Number of training images, the last in the official order, held out for validation: 5000 of
    the full set is the paper's 45k/5k split, 0 trains on all 50k."""

    normalization: Literal[
        "per-pixel-mean", "per-channel-mean", "per-channel-mean-std", "none", "pretrained"
    ] = "per-pixel-mean"
    """Computed from the images trained on: the mean image is subtracted (the paper), or each
    channel's mean, or that and division by each channel's standard deviation, or nothing.
    ``pretrained``: as for the pretrained weights, including range and channel order."""

    pixel_range: Literal["0-1", "0-255"] = "0-1"
    """The range of the pixels before they are normalised. The paper does not state it."""

    augmentation: Literal["pad-crop-flip", "none"] = "pad-crop-flip"
    """``pad-crop-flip``: 4 pixels of padding on each side, a random crop, a random horizontal
    flip."""

    padding: Literal["zero", "black"] = "zero"
    """Only for ``pad-crop-flip``. ``zero``: after normalisation, so that the padding is the mean;
    ``black``: before it. The paper does not say."""

    @property
    def train_images(self) -> int:
        """The number of images trained on."""
        return self._chosen_train_images - self.held_out_images

    @property
    def test_images(self) -> int:
        """The number of images in the test split."""
        return CIFAR_IMAGES[self.name][1] // CIFAR_CLASSES * self.classes

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a net's input."""
        return CIFAR_SIDE, CIFAR_SIDE, 3

    @property
    def classes(self) -> int:
        """The number of classes."""
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
            raise refuse("padding", "applies only to pad-crop-flip", self.padding)
        return self

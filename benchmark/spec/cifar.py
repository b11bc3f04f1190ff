"""CIFAR-10: images of one size, held in memory."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from benchmark.spec.base import TOLD, Ints, Spec, refuse


class ImageSet(NamedTuple):
    """The size of a data set; each class has the same number of images."""

    train_images: int
    test_images: int
    classes: int = 10
    side: int = 32
    """Height and width of an image."""
    in_package: bool = False
    """Whether it needs no download."""


IN_MEMORY = {
    "cifar10": ImageSet(50_000, 10_000),
    "cifar10-subset": ImageSet(5_000, 1_000, in_package=True),
}
"""All data sets held in memory; ``data.sources`` has the module of each."""


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
        return self._whole.test_images // self._whole.classes * self.classes

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a net's input."""
        return self._whole.side, self._whole.side, 3

    @property
    def classes(self) -> int:
        """The number of classes."""
        return self._whole.classes if self.only_classes is None else len(self.only_classes)

    @property
    def _whole(self) -> ImageSet:
        return IN_MEMORY[self.name]

    @property
    def _chosen_train_images(self) -> int:
        each = self._whole.train_images // self._whole.classes
        return self.classes * min(each, self.train_per_class or each)

    @model_validator(mode="after")
    def _fields_fit(self) -> "CifarSpec":
        chosen, there = self.only_classes, self._whole.classes
        if chosen is not None and not (
            1 < len(set(chosen)) == len(chosen) and set(chosen) < {*range(there)}
        ):
            rule = f"must be two or more, but not all, of the classes 0 to {there - 1}, each once"
            raise refuse("only_classes", rule, chosen)
        each = self._whole.train_images // there
        if self.train_per_class is not None and self.train_per_class >= each:
            rule = f"must be less than the {each} training images of a class"
            raise refuse("train_per_class", rule, self.train_per_class)
        if self.train_images < 1:
            rule = f"must be less than the {self._chosen_train_images} training images"
            raise refuse("held_out_images", rule, self.held_out_images)
        if self.padding != "zero" and self.augmentation != "pad-crop-flip":
            raise refuse("padding", "applies only to pad-crop-flip", self.padding)
        return self

"""Test protocols: which views of an image are scored, at which scales (section 3.4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from benchmark.data.photographs import geometry
from benchmark.data.photographs.geometry import Window
from benchmark.spec.protocol import SLIDING, ProtocolName

MULTI_SCALE_SIDES = (224, 256, 384, 480, 640)
"""Shorter sides, in pixels, of the paper's best results."""

_CROP, _SIDE = 224, 256
"""The paper's crop, and AlexNet's shorter side for it."""

_CROPS: dict[str, tuple[Callable[..., list[Window]], int]] = {
    "center-crop": (geometry.center_view, 1),
    "ten-crop": (geometry.ten_crop, 10),
}
"""Protocol of crops -> its views, and their number."""


@dataclass(frozen=True)
class Pass:
    """Some views of each image, all of one kind."""

    views: Callable[[int, int], Sequence[Window]]
    """(height, width) of an image -> its views."""
    count: int
    """Number of views per image."""
    side: int
    """Side of a view in pixels, if the image is square."""
    one_size: bool
    """Whether the views of all images have one size and can be batched."""


@dataclass(frozen=True)
class Protocol:
    """A test protocol: an image's score is the mean of its views' class probabilities over all
    passes."""

    name: str
    passes: tuple[Pass, ...]
    sliding: bool
    """Whether the classifier slides over the feature map: it sees windows as large as the map of a
    crop (7x7 for 224 pixels), and its scores are averaged over all of them. Otherwise it sees the
    mean over the map."""

    @property
    def views(self) -> int:
        """The number of views per image."""
        return sum(each.count for each in self.passes)


def of_name(name: ProtocolName, crop: int) -> Protocol:
    """Return the protocol of this name for a net whose input is ``crop`` pixels wide and high.

    Of one image size: its center crop, or AlexNet's corner and center crops and their mirror images
    (tables 2 and 3), by default from a shorter side of 256 for a crop of 224, otherwise in
    proportion. Multi-scale: the whole image and its mirror image at several shorter sides (tables 4
    and 5).

    The paper makes the net fully convolutional like its [41] and [13], and averages the scores over
    all scales. It does not say what that means for a net that ends in global average pooling, which
    takes any size anyway; ``multi-scale-sliding`` is what [41] and [13] do with their nets.

    Raises ValueError for crops of images with a shorter side than the crop.
    """
    if not name.fits(crop):
        rule = f"must have a shorter side of at least {crop} pixels, which the net's crops have"
        raise ValueError(f"protocol {rule}. Received: {name}")
    if name.kind in _CROPS:
        views, count = _CROPS[name.kind]
        sides = name.sides or (crop * _SIDE // _CROP,)
        cut = partial(views, side=sides[0], crop=crop)
        passes = [Pass(cut, count, crop, one_size=True)]
    else:
        sides = name.sides or tuple(side * crop // _CROP for side in MULTI_SCALE_SIDES)
        passes = [Pass(partial(_whole, side=side), 2, side, one_size=False) for side in sides]
    return Protocol(str(name._replace(sides=sides)), tuple(passes), name.kind == SLIDING)


def _whole(height: int, width: int, *, side: int) -> list[Window]:
    view = geometry.whole(height, width, side)
    return [view, replace(view, flip=True)]

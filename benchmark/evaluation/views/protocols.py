"""How an image is looked at when it is tested: which parts of it, at which scales (section 3.4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from benchmark.data.photographs import geometry
from benchmark.data.photographs.geometry import Window
from benchmark.spec.protocol import GLOBAL, SLIDING, ProtocolName

MULTI_SCALE_SIDES = (224, 256, 384, 480, 640)
"""Shorter sides, in pixels, of the paper's best results."""

_CROP, _SIDE = 224, 256
"""The paper's crop, and AlexNet's shorter side for it."""


@dataclass(frozen=True)
class Pass:
    """Some views of each image, all of one kind."""

    views: Callable[[int, int], Sequence[Window]]
    """From an image's height and width."""
    count: int
    """Views."""
    side: int
    """Pixels on a side of a view, if the image is square."""
    one_size: bool
    """Whether the views of all images are of one size, so that they make batches."""


@dataclass(frozen=True)
class Protocol:
    """An image's score is the mean of its views' class probabilities, over all passes."""

    name: str
    passes: tuple[Pass, ...]
    sliding: bool = False
    """Whether the classifier is slid over the feature map: it sees windows as large as the map of a
    crop (7x7 for 224 pixels), and its scores are averaged over all of them. Else it sees the mean
    over the map."""

    @property
    def views(self) -> int:
        """Of each image."""
        return sum(each.count for each in self.passes)


def center_crop(crop: int, side: int | None = None) -> Protocol:
    """The centre of the image at a shorter side of ``side`` pixels."""
    side = side or default_side(crop)
    views = partial(geometry.center_view, side=side, crop=crop)
    return Protocol(
        str(ProtocolName("center-crop", (side,))), (Pass(views, 1, crop, one_size=True),)
    )


def ten_crop(crop: int, side: int | None = None) -> Protocol:
    """The corners and the centre, and these mirrored (AlexNet's, tables 2 and 3)."""
    side = side or default_side(crop)
    views = partial(geometry.ten_crop, side=side, crop=crop)
    return Protocol(str(ProtocolName("ten-crop", (side,))), (Pass(views, 10, crop, one_size=True),))


def multi_scale(
    crop: int, sides: Sequence[int] | None = None, *, sliding: bool = False
) -> Protocol:
    """The whole image and its mirror image at each of some shorter sides (tables 4 and 5).

    The paper makes the net fully convolutional as its [41] and [13] do, and averages the scores at
    all scales. It does not tell what of that is for a net that ends in global average pooling: that
    takes any size as it is; ``sliding`` is what [41] and [13] do to theirs.
    """
    sides = tuple(sides or (side * crop // _CROP for side in MULTI_SCALE_SIDES))
    passes = tuple(Pass(partial(_whole, side=side), 2, side, one_size=False) for side in sides)
    return Protocol(str(ProtocolName(SLIDING if sliding else GLOBAL, sides)), passes, sliding)


def of_name(name: ProtocolName, crop: int) -> Protocol:
    """For a net whose input is ``crop`` pixels wide and high."""
    if name.kind in (GLOBAL, SLIDING):
        return multi_scale(crop, name.sides, sliding=name.kind == SLIDING)
    make = center_crop if name.kind == "center-crop" else ten_crop
    return make(crop, *name.sides)


def default_side(crop: int) -> int:
    """256 for a crop of 224, and in proportion."""
    return crop * _SIDE // _CROP


def _whole(height: int, width: int, *, side: int) -> list[Window]:
    view = geometry.whole(height, width, side)
    return [view, replace(view, flip=True)]

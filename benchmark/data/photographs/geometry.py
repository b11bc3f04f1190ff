"""Which part of a photograph a net sees, and at which scale: pure functions of its height and
width and, in training, of (seed, epoch, index). All lengths are in pixels."""

import math
from dataclasses import dataclass, replace

from benchmark.data.photographs.draws import VIEW, integer, uniform, words

_TRIES = 10
_AREA, _RATIO = (0.08, 1.0), (3 / 4, 4 / 3)


@dataclass(frozen=True)
class Window:
    """A part of a photograph, resampled to an output: what is read, and where it is placed.

    A point y of the part, counted from its top edge, goes to ``scale[0] * y + shift[0]`` in the
    output; x likewise by ``scale[1]`` and ``shift[1]``. What falls outside the output is cut off.
    """

    top: int
    left: int
    height: int
    width: int
    """Of the part, in the photograph's own pixels."""
    scale: tuple[float, float]
    shift: tuple[float, float]
    size: tuple[int, int]
    """Height and width of the output."""
    flip: bool = False
    """The output is mirrored, left to right."""


def scale_crop(
    height: int, width: int, sides: tuple[int, int], crop: int, seed: int, epoch: int, index: int
) -> Window:
    """Return the paper's crop (section 3.4): the shorter side scaled to a length drawn uniformly
    from the integers of ``sides``, inclusive; a random crop; a flip with probability 1/2."""
    side, top, left, flip = words(seed, epoch, index, VIEW, 4)
    scaled = resized(height, width, integer(side, *sides))
    return crop_of_scaled(
        (height, width),
        scaled,
        (integer(top, 0, scaled[0] - crop), integer(left, 0, scaled[1] - crop)),
        (crop, crop),
        flip=bool(integer(flip, 0, 1)),
    )


def area_crop(height: int, width: int, crop: int, seed: int, epoch: int, index: int) -> Window:
    """Return Inception's crop, as in fb.resnet.torch: a part of 8 to 100 % of the area, with a
    ratio of 3/4 to 4/3, which is of width to height or the other way round, scaled to ``crop`` on
    both sides. If none of ten draws fits, the centre crop at a shorter side of ``crop``."""
    flip, *drawn = words(seed, epoch, index, VIEW, 1 + 5 * _TRIES)
    flipped = bool(integer(flip, 0, 1))
    for start in range(0, len(drawn), 5):
        area, ratio, swap, top, left = drawn[start : start + 5]
        part_area, part_ratio = height * width * uniform(area, *_AREA), uniform(ratio, *_RATIO)
        part = round(math.sqrt(part_area / part_ratio)), round(math.sqrt(part_area * part_ratio))
        if integer(swap, 0, 1):
            part = part[1], part[0]
        if 1 <= part[0] <= height and 1 <= part[1] <= width:
            return Window(
                integer(top, 0, height - part[0]),
                integer(left, 0, width - part[1]),
                *part,
                scale=(crop / part[0], crop / part[1]),
                shift=(0.0, 0.0),
                size=(crop, crop),
                flip=flipped,
            )
    return replace(center_crop(height, width, crop, crop), flip=flipped)


def center_crop(height: int, width: int, side: int, crop: int) -> Window:
    """Return the centre crop at a shorter side of ``side``; half a pixel is rounded down."""
    scaled = resized(height, width, side)
    place = (scaled[0] - crop) // 2, (scaled[1] - crop) // 2
    return crop_of_scaled((height, width), scaled, place, (crop, crop))


def center_view(height: int, width: int, *, side: int, crop: int) -> list[Window]:
    """Return the centre crop as the only view."""
    return [center_crop(height, width, side, crop)]


def ten_crop(height: int, width: int, side: int, crop: int) -> list[Window]:
    """Return AlexNet's ten crops: the corners from left to right and top to bottom, the centre, and
    these five mirrored."""
    scaled = resized(height, width, side)
    bottom, right = scaled[0] - crop, scaled[1] - crop
    places = [(0, 0), (0, right), (bottom, 0), (bottom, right), (bottom // 2, right // 2)]
    views = [crop_of_scaled((height, width), scaled, place, (crop, crop)) for place in places]
    return views + [replace(view, flip=True) for view in views]


def whole(height: int, width: int, side: int) -> Window:
    """Return the whole photograph at a shorter side of ``side``."""
    scaled = resized(height, width, side)
    return crop_of_scaled((height, width), scaled, (0, 0), scaled)


def resized(height: int, width: int, side: int) -> tuple[int, int]:
    """Return height and width with the shorter scaled to ``side``, the longer rounded half up."""
    shorter, longer = min(height, width), max(height, width)
    scaled = (2 * longer * side + shorter) // (2 * shorter)
    return (side, scaled) if height <= width else (scaled, side)


def crop_of_scaled(
    source: tuple[int, int],
    scaled: tuple[int, int],
    place: tuple[int, int],
    size: tuple[int, int],
    *,
    flip: bool = False,
) -> Window:
    """Return the window of ``size`` at ``place`` in a photograph scaled from ``source`` to
    ``scaled``; all four are pairs of vertical and horizontal lengths."""
    rows, columns = map(_part, source, scaled, place, size)
    return Window(
        rows[0],
        columns[0],
        rows[1],
        columns[1],
        scale=(rows[2], columns[2]),
        shift=(rows[3], columns[3]),
        size=size,
        flip=flip,
    )


def _part(source: int, scaled: int, place: int, size: int) -> tuple[int, int, float, float]:
    """Return first pixel, length, scale and shift, in one direction.

    An output pixel is a weighted mean of the source pixels whose centres lie within one pixel, of
    the coarser of the two grids, of its own centre; one more pixel on either side allows for
    rounding.
    """
    scale = scaled / source
    reach = max(1.0, 1 / scale) + 1
    first = max(0, math.floor((place + 0.5) / scale - reach))
    last = min(source, math.ceil((place + size - 0.5) / scale + reach))
    return first, last - first, scale, first * scale - place

"""Boxes and images that may not be what their owner intended: counted, and reported with a hint."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from benchmark.data.detection.example import Example

_TOLERANCE = 0.02
"""Pixels: COCO's boxes are given in hundredths, rounded."""

_MANY = 0.5
"""Fraction of the boxes above which it is no accident."""


class Odd(NamedTuple):
    """The counts for a split."""

    boxes: int
    """All boxes, including those without area in their image."""
    beyond: int
    """Boxes that extend beyond an edge of their image."""
    under_a_pixel: int
    """Boxes less than one pixel wide or high."""
    turned: int
    """Images whose camera noted another orientation (EXIF), which is ignored."""
    turned_file: str = ""
    """The first of them."""

    def told(self) -> list[str]:
        """Return a line for each number above 0."""
        lines = []
        if self.beyond:
            hint = ""
            if self.beyond > _MANY * self.boxes:
                hint = "; are they [x1, y1, x2, y2]? COCO's are [x, y, width, height]"
            lines.append(f"{self.beyond:,} boxes extend beyond their image and are cut there{hint}")
        if self.under_a_pixel:
            hint = ""
            if self.under_a_pixel > _MANY * self.boxes:
                hint = "; are they fractions of the sides, from 0 to 1? COCO's are in pixels"
            lines.append(f"{self.under_a_pixel:,} boxes have a side of less than a pixel{hint}")
        if self.turned:
            lines.append(
                f"{self.turned:,} images are to be shown turned, as noted by their camera (EXIF), "
                f"such as {self.turned_file}; boxes must be for the pixels as they are stored, "
                "without that turn"
            )
        return lines


def counted(examples: Iterable[Example], turned: Iterable[str] = ()) -> Odd:
    """Count over a split, before boxes are cut. ``turned``: names of the turned images."""
    every = beyond = small = 0
    for each in examples:
        room = np.array([each.width, each.height, each.width, each.height], np.float32)
        low, high = each.boxes[:, :2], each.boxes[:, 2:]
        outside = (each.boxes < -_TOLERANCE) | (each.boxes > room + _TOLERANCE)
        every += len(each.boxes)
        beyond += int(outside.any(1).sum())
        # In float32, a side of one pixel far from the corner may be slightly less.
        small += int((high - low < 1 - _TOLERANCE).any(1).sum())
    names = [*turned]
    return Odd(every, beyond, small, len(names), names[0] if names else "")

"""The size at which an image is shown, and of the batch that contains it: pure functions of heights
and widths, in pixels."""

from dataclasses import dataclass, replace

import numpy as np

from benchmark.data.photographs.geometry import Window

_MULTIPLE = 32


@dataclass(frozen=True)
class Sides:
    """The lengths that an image's sides are scaled to (Faster R-CNN, section 3.3)."""

    shorter: int
    """The length of the shorter side after scaling,"""
    longest: int
    """unless the longer one would then exceed this: in that case it is scaled to this instead."""
    by_orientation: bool = False
    """Whether each batch holds images of only one orientation."""

    def at(self, shorter: int) -> "Sides":
        """Return the sides for a test at another scale: the longest side in proportion, so that
        every image grows or shrinks by the same factor."""
        return replace(
            self, shorter=shorter, longest=_divided(self.longest * shorter, self.shorter)
        )

    def scaled(self, height: int, width: int) -> tuple[int, int]:
        """Return the height and width that an image is scaled to, rounded half up."""
        shorter, longer = min(height, width), max(height, width)
        if longer * self.shorter <= self.longest * shorter:
            pair = self.shorter, _divided(longer * self.shorter, shorter)
        else:
            pair = max(1, _divided(shorter * self.longest, longer)), self.longest
        return pair if height <= width else (pair[1], pair[0])

    def room(self, high: bool) -> tuple[int, int]:
        """Return the height and width of a batch, both multiples of 32. ``high``: of images that
        are taller than wide, rather than of the others."""
        longest = _up(self.longest)
        if not self.by_orientation:
            return longest, longest
        return (longest, _up(self.shorter)) if high else (_up(self.shorter), longest)

    def groups(self, heights: np.ndarray, widths: np.ndarray) -> np.ndarray:
        """Return (n,) bool: whether each image goes into a batch of tall ones."""
        return (heights > widths) & self.by_orientation


def at_top_left(
    height: int, width: int, scaled: tuple[int, int], room: tuple[int, int], flip: bool = False
) -> Window:
    """Return the whole image, scaled, in the top left corner of ``room``, with zeros to the right
    and below; with ``flip``, mirrored, in the top right corner."""
    scale = scaled[0] / height, scaled[1] / width
    return Window(0, 0, height, width, scale=scale, shift=(0.0, 0.0), size=room, flip=flip)


def shown_boxes(
    boxes: np.ndarray, height: int, width: int, scaled: tuple[int, int], flip: bool = False
) -> np.ndarray:
    """Return boxes (n, 4) float32 of an image, in pixels of the scaled image."""
    down, across = scaled[0] / height, scaled[1] / width
    moved = boxes * np.array([across, down, across, down], np.float64)
    if flip:
        left, top, right, bottom = moved.T
        moved = np.stack([scaled[1] - right, top, scaled[1] - left, bottom], axis=1)
    return moved.astype(np.float32)


def _divided(number: int, by: int) -> int:
    """Divide and round half up."""
    return (2 * number + by) // (2 * by)


def _up(length: int) -> int:
    return -(-length // _MULTIPLE) * _MULTIPLE

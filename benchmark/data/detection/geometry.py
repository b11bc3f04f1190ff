"""The size of a scaled image, and that of its batch: pure functions of heights and widths, in
pixels."""

from dataclasses import dataclass, replace

import numpy as np

from benchmark.data.photographs.geometry import Window

_MULTIPLE = 32


@dataclass(frozen=True)
class Sides:
    """The size to which an image is scaled (Faster R-CNN, section 3.3)."""

    shorter: int
    """The length of its shorter side,"""
    longest: int
    """unless the longer one would exceed this: then that one is scaled to this."""
    by_orientation: bool = False
    """Whether each batch holds images of a single orientation."""

    def at(self, shorter: int) -> "Sides":
        """Return the sides for a test at another scale, with the longest side in proportion, so
        that every image is scaled by the same factor."""
        return replace(
            self, shorter=shorter, longest=_divided(self.longest * shorter, self.shorter)
        )

    def scaled(self, height: int, width: int) -> tuple[int, int]:
        """Return the height and width to which an image is scaled; half pixels are rounded up."""
        shorter, longer = min(height, width), max(height, width)
        if longer * self.shorter <= self.longest * shorter:
            pair = self.shorter, _divided(longer * self.shorter, shorter)
        else:
            pair = max(1, _divided(shorter * self.longest, longer)), self.longest
        return pair if height <= width else (pair[1], pair[0])

    def room(self, high: bool) -> tuple[int, int]:
        """Return the height and width of a batch of portrait images (``high``), or of others. Both
        are multiples of 32."""
        longest = _up(self.longest)
        if not self.by_orientation:
            return longest, longest
        return (longest, _up(self.shorter)) if high else (_up(self.shorter), longest)

    def groups(self, heights: np.ndarray, widths: np.ndarray) -> np.ndarray:
        """Return (n,) bool: whether each image goes into a batch of portrait images."""
        return (heights > widths) & self.by_orientation


def at_top_left(
    height: int, width: int, scaled: tuple[int, int], room: tuple[int, int], flip: bool = False
) -> Window:
    """Return the whole image, scaled, in the top left corner of ``room``, with zeros to the right
    and below; with ``flip``, mirrored and in the top right corner."""
    scale = scaled[0] / height, scaled[1] / width
    return Window(0, 0, height, width, scale=scale, shift=(0.0, 0.0), size=room, flip=flip)


def shown_boxes(
    boxes: np.ndarray, height: int, width: int, scaled: tuple[int, int], flip: bool = False
) -> np.ndarray:
    """Return an image's boxes (n, 4) float32, in pixels of the scaled image."""
    down, across = scaled[0] / height, scaled[1] / width
    moved = boxes * np.array([across, down, across, down], np.float64)
    if flip:
        left, top, right, bottom = moved.T
        moved = np.stack([scaled[1] - right, top, scaled[1] - left, bottom], axis=1)
    return moved.astype(np.float32)


def _divided(number: int, by: int) -> int:
    """Divide, rounding half up."""
    return (2 * number + by) // (2 * by)


def _up(length: int) -> int:
    return -(-length // _MULTIPLE) * _MULTIPLE

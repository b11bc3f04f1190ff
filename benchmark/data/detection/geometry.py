"""How large an image is shown, and how large the batch that it lies in: pure functions of heights
and widths, in pixels."""

from dataclasses import dataclass, replace

import numpy as np

from benchmark.data.photographs.geometry import Window

_MULTIPLE = 32


@dataclass(frozen=True)
class Sides:
    """What an image is scaled to (Faster R-CNN, section 3.3)."""

    shorter: int
    """The length of its shorter side,"""
    longest: int
    """unless the longer one then had more than this: else that one is scaled to this."""
    by_orientation: bool = False
    """Whether batches hold images of one orientation alone."""

    def at(self, shorter: int) -> "Sides":
        """Those of a test at another scale: the longest side in proportion, so that each image is
        as much larger or smaller."""
        return replace(
            self, shorter=shorter, longest=_divided(self.longest * shorter, self.shorter)
        )

    def scaled(self, height: int, width: int) -> tuple[int, int]:
        """Height and width that an image is scaled to; halves of pixels are rounded up."""
        shorter, longer = min(height, width), max(height, width)
        if longer * self.shorter <= self.longest * shorter:
            pair = self.shorter, _divided(longer * self.shorter, shorter)
        else:
            pair = max(1, _divided(shorter * self.longest, longer)), self.longest
        return pair if height <= width else (pair[1], pair[0])

    def room(self, high: bool) -> tuple[int, int]:
        """Height and width of a batch: of images that are higher than wide, or of the others. Both
        are multiples of 32."""
        longest = _up(self.longest)
        if not self.by_orientation:
            return longest, longest
        return (longest, _up(self.shorter)) if high else (_up(self.shorter), longest)

    def groups(self, heights: np.ndarray, widths: np.ndarray) -> np.ndarray:
        """(n,) bool: whether each image goes into a batch of high ones."""
        return (heights > widths) & self.by_orientation


def at_top_left(
    height: int, width: int, scaled: tuple[int, int], room: tuple[int, int], flip: bool = False
) -> Window:
    """The whole image, scaled, in the top left corner of ``room``, zeros beside and below it; with
    ``flip`` mirrored, in the top right corner."""
    scale = scaled[0] / height, scaled[1] / width
    return Window(0, 0, height, width, scale=scale, shift=(0.0, 0.0), size=room, flip=flip)


def shown_boxes(
    boxes: np.ndarray, height: int, width: int, scaled: tuple[int, int], flip: bool = False
) -> np.ndarray:
    """Boxes (n, 4) float32 of an image, in pixels of what it is scaled to."""
    down, across = scaled[0] / height, scaled[1] / width
    moved = boxes * np.array([across, down, across, down], np.float64)
    if flip:
        left, top, right, bottom = moved.T
        moved = np.stack([scaled[1] - right, top, scaled[1] - left, bottom], axis=1)
    return moved.astype(np.float32)


def _divided(number: int, by: int) -> int:
    """Rounded, a half up."""
    return (2 * number + by) // (2 * by)


def _up(length: int) -> int:
    return -(-length // _MULTIPLE) * _MULTIPLE

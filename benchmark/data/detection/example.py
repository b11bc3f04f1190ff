"""What is known about images: their sizes, and a box, a label and an area for each object.

A box is ``(x1, y1, x2, y2)`` in pixels of the stored image, in continuous coordinates: an image of
width w spans x from 0 to w, so nothing is added to ``x2 - x1``. Labels count from 0; the background
is not among them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Example:
    """The ground truth of one image."""

    image_id: int
    height: int
    width: int
    boxes: np.ndarray
    """(n, 4) float32. They may extend beyond the image; ``clipped`` cuts them at its edges."""
    labels: np.ndarray
    """(n,) int32."""
    crowds: np.ndarray
    """(n,) bool: regions that are neither objects to find nor background, so that detecting them is
    not an error: COCO's crowds, VOC's difficult objects."""
    areas: np.ndarray
    """(n,) float32, in square pixels: sorts objects into COCO's small, medium and large. COCO's is
    the area of the object's outline, which is less than that of its box."""


@dataclass(frozen=True)
class Truths:
    """The ground truth of all images of a split, in a fixed order. An image's index is its position
    in it."""

    ids: np.ndarray
    """(images,) int64, all different."""
    heights: np.ndarray
    """(images,) int32."""
    widths: np.ndarray
    """(images,) int32."""
    counts: np.ndarray
    """(images,) int64: number of boxes in each image."""
    boxes: np.ndarray
    """(boxes, 4) float32. This and the following are as in ``Example``."""
    labels: np.ndarray
    crowds: np.ndarray
    areas: np.ndarray

    def __post_init__(self) -> None:
        images = {len(self.ids), len(self.heights), len(self.widths), len(self.counts)}
        boxes = {len(self.boxes), len(self.labels), len(self.crowds), len(self.areas)}
        if len(images) != 1 or boxes != {int(self.counts.sum())}:
            raise ValueError(f"lists must have the same length. Received: {images}, {boxes}")
        if len(np.unique(self.ids)) != len(self.ids):
            raise ValueError("ids must be unique")

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Example:
        end = self._ends[index]
        here = slice(end - self.counts[index], end)
        return Example(
            int(self.ids[index]),
            int(self.heights[index]),
            int(self.widths[index]),
            self.boxes[here],
            self.labels[here],
            self.crowds[here],
            self.areas[here],
        )

    @property
    def objects(self) -> np.ndarray:
        """(images,) int64: number of boxes in each image that are not crowds."""
        crowds = np.concatenate([[0], np.cumsum(self.crowds)])
        return self.counts - (crowds[self._ends] - crowds[self._ends - self.counts])

    @cached_property
    def _ends(self) -> np.ndarray:
        return np.cumsum(self.counts)


def joined(examples: Iterable[Example]) -> Truths:
    """Join the examples, one image after another."""
    found = list(examples)
    return Truths(
        ids=np.array([each.image_id for each in found], np.int64),
        heights=np.array([each.height for each in found], np.int32),
        widths=np.array([each.width for each in found], np.int32),
        counts=np.array([len(each.boxes) for each in found], np.int64),
        boxes=np.concatenate([np.zeros((0, 4)), *(each.boxes for each in found)], dtype=np.float32),
        labels=_end_to_end([each.labels for each in found], np.int32),
        crowds=_end_to_end([each.crowds for each in found], bool),
        areas=_end_to_end([each.areas for each in found], np.float32),
    )


def without_degenerate(example: Example) -> tuple[Example, int]:
    """Return the example without the boxes that have no area left once cut at the image's edges,
    and how many those are."""
    within = clipped(example.boxes, example.height, example.width)
    kept = (within[:, 0] < within[:, 2]) & (within[:, 1] < within[:, 3])
    columns = {
        name: getattr(example, name)[kept] for name in ("boxes", "labels", "crowds", "areas")
    }
    return replace(example, **columns), int((~kept).sum())


def clipped(boxes: np.ndarray, height: float, width: float) -> np.ndarray:
    """Return boxes (n, 4), cut at the edges of an image."""
    return np.clip(boxes, 0, np.array([width, height, width, height], boxes.dtype))


def _end_to_end(columns: list[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate([np.zeros(0), *columns]).astype(dtype)

"""A detector's images and boxes, decoded during training."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from benchmark.data.detection.detection_set import DetectionSet
from benchmark.data.detection.example import Example, Truths, clipped
from benchmark.data.detection.geometry import Sides, at_top_left, shown_boxes
from benchmark.data.detection.order import batch_of
from benchmark.data.detection.training_images import trained
from benchmark.data.feed import Views
from benchmark.data.images import DataError
from benchmark.data.photographs.draws import VIEW, integer, words
from benchmark.data.photographs.geometry import Window
from benchmark.data.photographs.pipeline import ENDLESS, Onward, cores, decoded
from benchmark.spec.boxes import BoxesSpec


class Batch(NamedTuple):
    """Training images and their boxes. All batches have the same shapes."""

    pixels: tf.Tensor
    """(batch, height, width, 3) uint8: scaled images in the top left corner, zeros elsewhere.
    Height and width are multiples of 32."""
    sizes: tf.Tensor
    """(batch, 2) int32: each scaled image's height and width."""
    boxes: tf.Tensor
    """(batch, most, 4) float32, (x1, y1, x2, y2) in pixels of the scaled image, within its edges;
    zeros where there is no box."""
    labels: tf.Tensor
    """(batch, most) int32; -1 where there is no box."""
    crowds: tf.Tensor
    """(batch, most) bool: regions that are neither positive nor negative."""


class ScoredBatch(NamedTuple):
    """Images to be scored. The last batch may have fewer of them."""

    pixels: tf.Tensor
    """(batch, height, width, 3) uint8, as in ``Batch``."""
    sizes: tf.Tensor
    """(batch, 2) int32: each scaled image's height and width."""
    originals: tf.Tensor
    """(batch, 2) int32: the height and width to scale detections back to."""
    ids: np.ndarray
    """(batch,) int64."""


class DetectionFeed:
    """The images that a detector is trained on, and those that it is scored on.

    A batch is a pure function of (seed, iteration): any batch can be made without the ones before
    it. As long as batches are requested in order, they are decoded ahead, in bounded memory.
    """

    def __init__(
        self,
        spec: BoxesSpec,
        found: DetectionSet,
        *,
        batch_size: int | None = None,
        workers: int | None = None,
    ):
        """``batch_size``: for a run that trains. ``workers``: decoding threads, which do not change
        the bits; by default one per core.

        Raises DataError as ``trained`` does, and later if a file cannot be used.
        """
        self.spec, self.found = spec, found
        self.workers = workers or cores()
        self.sides = Sides(spec.shorter_side, spec.longest_side, spec.padding == "by-orientation")
        truths = found.truths["train"]
        self.trained = trained(spec, truths, batch_size)
        """Index among the images trained on -> index in the training split."""
        self._high = self.sides.groups(truths.heights[self.trained], truths.widths[self.trained])
        self._pixels = Onward(self._decoded_from)

    @property
    def train_count(self) -> int:
        """Number of images trained on, which make up an epoch."""
        return len(self.trained)

    def train_signature(self, batch_size: int) -> Batch:
        """Signature of ``train_batch``; for batches by orientation, height and width vary."""
        height, width = (None, None) if self.sides.by_orientation else self.sides.room(high=False)
        most = self.spec.max_boxes
        return Batch(
            tf.TensorSpec((batch_size, height, width, 3), tf.uint8),
            tf.TensorSpec((batch_size, 2), tf.int32),
            tf.TensorSpec((batch_size, most, 4), tf.float32),
            tf.TensorSpec((batch_size, most), tf.int32),
            tf.TensorSpec((batch_size, most), tf.bool),
        )

    def train_batch(self, seed: int, batch_size: int, iteration: int) -> Batch:
        """Return an iteration's batch, counted from 0. Raises DataError, which names the file."""
        shown = self._shown(seed, batch_size, iteration)
        (ready,) = self._pixels.batches(seed, batch_size, iteration, 1)
        pixels = ready.numpy()[:, 0]
        if any(each.flip for each in shown):
            pixels = pixels.copy()
        most = self.spec.max_boxes
        sizes = np.array([each.scaled for each in shown], np.int32)
        boxes = np.zeros((batch_size, most, 4), np.float32)
        labels = np.full((batch_size, most), -1, np.int32)
        crowds = np.zeros((batch_size, most), bool)
        for place, each in enumerate(shown):
            if each.flip:  # Mirrored together with the zeros next to it, it is now on the right.
                width = each.scaled[1]
                pixels[place] = np.roll(pixels[place], width - pixels.shape[2], axis=1)
            count, truth = len(each.truth.boxes), each.truth
            boxes[place, :count] = each.boxes
            labels[place, :count], crowds[place, :count] = truth.labels, truth.crowds
        return Batch(*map(tf.constant, (pixels, sizes, boxes, labels, crowds)))

    def scored_batches(
        self, split: str, batch_size: int, sides: Sides | None = None
    ) -> Iterator[ScoredBatch]:
        """Yield all images of ``train`` or ``test``, each exactly once, in the split's order, or
        the wide ones before the tall. ``sides``: for a test at another scale than the spec's."""
        sides, truths = sides or self.sides, self.found.truths[split]
        high = sides.groups(truths.heights, truths.widths)
        for group in (False, True):
            indices = np.flatnonzero(high == group)
            starts = range(0, len(indices), batch_size)

            def shown(number: int, indices: np.ndarray = indices) -> "list[_Shown]":
                chosen = indices[number * batch_size :][:batch_size]
                return [_Shown.of(truths, int(index), sides) for index in chosen]

            pixels = self._decoded(split, shown, len(starts), batch_size)
            for number, ready in enumerate(pixels):
                batch = shown(number)
                yield ScoredBatch(
                    ready[:, 0],
                    tf.constant([each.scaled for each in batch], tf.int32),
                    tf.constant([each.original for each in batch], tf.int32),
                    np.array([each.truth.image_id for each in batch], np.int64),
                )

    def _shown(self, seed: int, batch_size: int, iteration: int) -> "list[_Shown]":
        truths = self.found.truths["train"]
        indices, epochs = batch_of(seed, iteration, batch_size, self._high)
        return [
            _Shown.of(truths, int(self.trained[index]), self.sides, self._flip(seed, epoch, index))
            for index, epoch in zip(indices.tolist(), epochs.tolist(), strict=True)
        ]

    def _flip(self, seed: int, epoch: int, index: int) -> bool:
        return self.spec.flip and bool(integer(words(seed, epoch, index, VIEW, 1)[0], 0, 1))

    def _decoded_from(self, seed: int, batch_size: int, first: int) -> Iterator[tf.Tensor]:
        shown = partial(self._shown, seed, batch_size)
        return self._decoded("train", lambda at: shown(first + at), ENDLESS, batch_size)

    def _decoded(
        self, split: str, shown: "Callable[[int], list[_Shown]]", count: int, batch_size: int
    ) -> Iterator[tf.Tensor]:
        """Yield (batch, 1, height, width, 3) uint8 for each of ``count`` batches."""

        def asked(number: int) -> Sequence[tuple[int, Views]]:
            return [(each.index, partial(self._view, split, each)) for each in shown(number)]

        return decoded(
            self.found.images,
            split,
            asked,
            count,
            windows=1,
            batch_size=batch_size,
            workers=self.workers,
        )

    def _view(self, split: str, shown: "_Shown", height: int, width: int) -> list[Window]:
        if (height, width) != shown.original:
            rule = f"{self.found.images.path(split, shown.index)} must have the height and width"
            raise DataError(f"{rule} {shown.original}. Received: {(height, width)}")
        return [at_top_left(height, width, shown.scaled, shown.room, shown.flip)]


@dataclass(frozen=True)
class _Shown:
    """An image, and how it is shown."""

    index: int
    """Index in its split."""
    truth: Example
    scaled: tuple[int, int]
    room: tuple[int, int]
    flip: bool

    @classmethod
    def of(cls, truths: Truths, index: int, sides: Sides, flip: bool = False) -> "_Shown":
        truth = truths[index]
        scaled = sides.scaled(truth.height, truth.width)
        return cls(index, truth, scaled, sides.room(truth.height > truth.width), flip)

    @property
    def original(self) -> tuple[int, int]:
        """Height and width."""
        return self.truth.height, self.truth.width

    @property
    def boxes(self) -> np.ndarray:
        """(n, 4) float32, in pixels of the scaled image, within its edges."""
        within = clipped(self.truth.boxes, *self.original)
        return clipped(shown_boxes(within, *self.original, self.scaled, self.flip), *self.scaled)

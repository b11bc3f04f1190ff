"""A run's photographs, decoded during training."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import numpy as np
import tensorflow as tf

from benchmark.data.feed import Tensors, Views
from benchmark.data.normalization import Normalization
from benchmark.data.order import shown
from benchmark.data.photographs import geometry
from benchmark.data.photographs.geometry import Window
from benchmark.data.photographs.held_out import parted
from benchmark.data.photographs.lighting import lighting_offsets
from benchmark.data.photographs.measure import statistics
from benchmark.data.photographs.pipeline import ENDLESS, Onward, cores, decoded
from benchmark.data.photographs.registry import Photographs
from benchmark.data.photographs.statistics import Statistics
from benchmark.spec import PhotographsSpec


class StreamedImages:
    """The photographs that a run is trained on, and those that it is scored on: a ``Feed``."""

    steps_a_call = 1
    """Keeps a step's input no larger than its batch."""

    def __init__(
        self,
        spec: PhotographsSpec,
        photographs: Photographs,
        pretrained: Normalization | None = None,
        *,
        workers: int | None = None,
    ):
        """``pretrained``: the normalization to use in place of the images' own. ``workers``:
        decoding threads, which do not change the bits; by default one per core.

        Raises DataError, here and when images are requested, if a file cannot be used.
        """
        self.spec, self.photographs = spec, photographs
        self.workers = workers or cores()
        self.crop = spec.image_shape[0]
        self.trained, held_out = parted(len(photographs.labels("train")), spec.held_out_images)
        """Index among the images trained on -> index in the training split."""
        self.scored = {"test": ("test", np.arange(len(photographs.labels("test"))))}
        """Split -> the one of ``photographs`` that has its images, and the indices there."""
        if spec.held_out_images:
            self.scored["validation"] = "train", held_out
        self.scored_counts = {split: len(own) for split, (_, own) in self.scored.items()}
        if spec.lighting or pretrained is None:
            self.statistics = statistics(photographs, spec)
        self.normalization = pretrained or normalization_of(spec, self.statistics)
        self._pixels = Onward(self._decoded_from)
        self._thread = ThreadPoolExecutor(1)
        self._lit: dict[tuple[int, int, int, int], Future[np.ndarray]] = {}
        """The arguments of a later ``_lighting`` call -> its result."""

    def train_inputs(self, seed: int, batch_size: int, first: int, steps: int) -> Tensors:
        """Return pixels (steps, batch, crop, crop, 3) uint8, augmented; lighting's offsets to their
        channels (steps, batch, 3), in 0 to 255; and labels (steps, batch). See ``Feed``."""
        indices, _ = shown(seed, first, steps, batch_size, len(self.trained))
        pixels = tf.constant((), tf.uint8)
        if steps:
            pixels = tf.stack(self._pixels.batches(seed, batch_size, first, steps))
        labels = self.photographs.labels("train")[self.trained[indices]]
        return (
            tf.reshape(pixels, (steps, batch_size, self.crop, self.crop, 3)),
            tf.constant(self._lighting(seed, batch_size, first, steps)),
            tf.constant(labels, tf.int32),
        )

    def train_batch(self, *inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """See ``Feed``."""
        pixels, lighting, labels = inputs
        lit = tf.cast(pixels, tf.float32) + lighting[:, None, None]
        return self.normalization(lit), labels

    def scored_inputs(self, split: str, batch_size: int) -> Iterator[tuple[tf.Tensor, ...]]:
        """Yield pixels (batch, crop, crop, 3) uint8 of centre crops, and labels. See ``Feed``."""
        views = partial(geometry.center_view, side=self.spec.test_shorter_side, crop=self.crop)
        for pixels, labels in self.scored_views(split, views, 1, batch_size):
            yield pixels[:, 0], labels

    def scored_views(
        self, split: str, views: Views, count: int, batch_size: int, first: int = 0
    ) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
        """See ``Feed``."""
        stored, indices = self.scored[split]
        starts = range(first, len(indices), batch_size)
        batches = [indices[start : start + batch_size].tolist() for start in starts]
        pixels = decoded(
            self.photographs.source,
            stored,
            lambda number: [(index, views) for index in batches[number]],
            len(batches),
            windows=count,
            batch_size=batch_size,
            workers=self.workers,
        )
        labels = self.photographs.labels(stored)
        for batch, ready in zip(batches, pixels, strict=True):
            yield ready, tf.constant(labels[batch], tf.int32)

    def scored_batch(self, split: str, *inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """See ``Feed``."""
        pixels, labels = inputs
        return self.normalization(pixels), labels

    def _decoded_from(self, seed: int, batch_size: int, first: int) -> Iterator[tf.Tensor]:
        return decoded(
            self.photographs.source,
            "train",
            lambda number: self._asked(seed, batch_size, first + number),
            ENDLESS,
            windows=1,
            batch_size=batch_size,
            workers=self.workers,
        )

    def _asked(self, seed: int, batch_size: int, iteration: int) -> Sequence[tuple[int, Views]]:
        """Return the photographs of an iteration's batch, each with its view."""
        indices, epochs = shown(seed, iteration, 1, batch_size, len(self.trained))
        return [
            (int(self.trained[index]), partial(self._view, seed, int(epoch), int(index)))
            for index, epoch in zip(indices[0], epochs[0], strict=True)
        ]

    def _view(self, seed: int, epoch: int, index: int, height: int, width: int) -> list[Window]:
        if self.spec.augmentation == "none":
            side = self.spec.test_shorter_side
            return geometry.center_view(height, width, side=side, crop=self.crop)
        if self.spec.augmentation == "area-crop-flip":
            return [geometry.area_crop(height, width, self.crop, seed, epoch, index)]
        least, greatest = self.spec.shorter_side or (self.crop, self.crop)
        sides = least, greatest
        return [geometry.scale_crop(height, width, sides, self.crop, seed, epoch, index)]

    def _lighting(self, seed: int, batch_size: int, first: int, steps: int) -> np.ndarray:
        """Return (steps, batch, 3) float32; zeros without lighting. The offsets that are likely to
        be requested next are computed in the background."""
        if not (self.spec.lighting and steps):
            return np.zeros((steps, batch_size, 3), np.float32)
        asked = seed, batch_size, first, steps
        ready = self._lit.pop(asked, None)
        self._lit = {}
        coming = seed, batch_size, first + steps, steps
        self._lit[coming] = self._thread.submit(self._offsets, *coming)
        return ready.result() if ready else self._offsets(*asked)

    def _offsets(self, seed: int, batch_size: int, first: int, steps: int) -> np.ndarray:
        indices, epochs = shown(seed, first, steps, batch_size, len(self.trained))
        found = self.statistics
        offsets = lighting_offsets(
            seed, epochs.ravel(), indices.ravel(), found.eigenvalues, found.eigenvectors
        )
        return offsets.reshape(steps, batch_size, 3)


def normalization_of(spec: PhotographsSpec, found: Statistics) -> Normalization:
    """Return the spec's, from the statistics of the training images."""
    mean, scale = np.zeros(3), np.full(3, 1 / 255 if spec.pixel_range == "0-1" else 1.0)
    if spec.normalization == "per-pixel-mean":
        mean = found.mean_image
    elif spec.normalization != "none":
        mean = found.channel_means
    if spec.normalization == "per-channel-mean-std":
        scale = 1 / found.channel_stds
    return Normalization(mean.astype(np.float32), scale.astype(np.float32))

"""The whole data set on the device as uint8; the graph slices batches out of it."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from benchmark.data.feed import Tensors, Views
from benchmark.data.images import Images, chosen
from benchmark.data.normalization import Normalization, normalization
from benchmark.data.order import PADDING, batches
from benchmark.data.photographs.decode import resampled, rows_of
from benchmark.spec import CifarSpec

STEPS_A_CALL_ON_A_GPU = 100
"""Iterations per call on a GPU, where a step may take 1 ms, so it need not wait for the host."""


class ResidentImages:
    """A run's images, as a ``Feed``: those trained on, and those that it is scored on."""

    steps_a_call = 10

    def __init__(
        self,
        spec: CifarSpec,
        images: Images,
        pretrained: Normalization | None = None,
        *,
        on_gpu: bool | None = None,
    ):
        """``pretrained``: the normalization to use in place of the images' own. ``on_gpu``: treat
        the machine as having a GPU or not, whatever it has."""
        on_gpu = _there_is_a_gpu() if on_gpu is None else on_gpu
        self.on_gpu = on_gpu
        if on_gpu:
            self.steps_a_call = STEPS_A_CALL_ON_A_GPU
        self._sent: tuple[tuple[int, int], int, int, Tensors] = (-1, -1), 0, 0, ()
        """Seed and batch size, first iteration, number of iterations, and the order on the GPU."""
        images = chosen(images, spec.only_classes, spec.train_per_class)
        trained = slice(0, spec.train_images)
        held_out = slice(spec.train_images, None)
        scored = {"test": (images.test_images, images.test_labels)}
        if spec.held_out_images:
            scored["validation"] = images.train_images[held_out], images.train_labels[held_out]
        self.augmented = spec.augmentation == "pad-crop-flip"
        self.pad_black = spec.padding == "black"
        self.normalization = pretrained or normalization(spec, images.train_images[trained])
        self.train_count = len(images.train_labels[trained])
        self.train_images = _resident(images.train_images[trained], on_gpu)
        self.train_labels = tf.constant(images.train_labels[trained].astype(np.int32))
        self.scored_counts = {split: len(labels) for split, (_, labels) in scored.items()}
        self.scored = {
            split: (_resident(pixels, on_gpu), tf.constant(labels.astype(np.int32)))
            for split, (pixels, labels) in scored.items()
        }

    def train_inputs(self, seed: int, batch_size: int, first: int, steps: int) -> Tensors:
        """Return the indices and crops that ``order`` gives for ``steps`` iterations from ``first``
        on. They are int64: on a GPU, int32 would stay on the host and be copied at each step. A
        GPU is sent a whole epoch at a time."""
        if not self.on_gpu or not steps:
            return self._order(seed, batch_size, first, steps)
        asked = seed, batch_size
        sent, start, count, order = self._sent
        if sent != asked or not start <= first <= first + steps <= start + count:
            end = (first * batch_size // self.train_count + 1) * self.train_count  # In images.
            start, count = first, max(steps, -(-end // batch_size) - first)
            order = self._order(seed, batch_size, first, count)
            self._sent = asked, start, count, order
        own = slice(first - start, first - start + steps)
        return tuple(each[own] for each in order)

    def _order(self, seed: int, batch_size: int, first: int, steps: int) -> Tensors:
        indices, crops = batches(seed, first, steps, batch_size, self.train_count)
        return tf.constant(indices, tf.int64), tf.constant(crops, tf.int64)

    def train_batch(self, indices: tf.Tensor, crops: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return images (batch, height, width, 3) float32, augmented as the spec says, and labels.

        ``indices``: (batch,); ``crops``: (batch, 3) top, left and flip.
        """
        pixels = tf.gather(self.train_images, indices)
        if self.augmented and self.pad_black:
            # Not on uint8, which a GPU can gather only from variables.
            pixels = self.normalization(crop_and_flip(tf.cast(pixels, tf.float32), crops))
        elif self.augmented:
            pixels = crop_and_flip(self.normalization(pixels), crops)
        else:
            pixels = self.normalization(pixels)
        return pixels, tf.gather(self.train_labels, indices)

    def scored_inputs(self, split: str, batch_size: int) -> Iterator[Tensors]:
        """Yield where each batch starts and stops."""
        count = self.scored_counts[split]
        for start in range(0, count, batch_size):
            stop = min(start + batch_size, count)
            yield tf.constant(start), tf.constant(stop)

    def scored_views(
        self, split: str, views: Views, count: int, batch_size: int, first: int = 0
    ) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
        """See ``Feed``."""
        scored, labels = self.scored[split]
        height, width = scored.shape[1:3]
        windows, placements = rows_of(views(height, width))

        @tf.function(autograph=False, reduce_retracing=True)
        def cut(images: tf.Tensor) -> tf.Tensor:
            def of_one(image: tf.Tensor) -> tf.Tensor:
                each = zip(windows, placements, strict=True)
                return tf.stack([resampled(image, *window) for window in each])

            return tf.map_fn(of_one, images)

        for start in range(first, self.scored_counts[split], batch_size):
            stop = min(start + batch_size, self.scored_counts[split])
            yield cut(tf.identity(scored[start:stop])), labels[start:stop]

    def scored_batch(self, split: str, *inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the normalized images of a split, from ``start`` to ``stop``, and their labels."""
        (pixels, labels), (start, stop) = self.scored[split], inputs
        return self.normalization(pixels[start:stop]), labels[start:stop]


def _resident(array: np.ndarray, on_gpu: bool) -> tf.Tensor | tf.Variable:
    """On a CPU, return the array's own memory, which other processes may share, if TensorFlow can
    use it as is. On a GPU, return a variable, since uint8 is gathered there only from variables:
    gathering from a constant would copy all of it to the host at every step."""
    if on_gpu:
        return tf.Variable(array, trainable=False)
    if array.ctypes.data % _ALIGNED or not array.flags.c_contiguous:
        return tf.constant(array)
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())


def _there_is_a_gpu() -> bool:
    return bool(tf.config.list_logical_devices("GPU"))


_ALIGNED = 64
"""Alignment in bytes: TensorFlow's kernels crash the process if a tensor is not aligned to it."""


def crop_and_flip(images: tf.Tensor, crops: tf.Tensor) -> tf.Tensor:
    """Pad with zeros on all sides, crop at (top, left), mirror if flip is 1.

    ``images``: (batch, height, width, channels); ``crops``: (batch, 3).
    """
    height, width = images.shape[1], images.shape[2]
    sides = (PADDING, PADDING)
    padded = tf.pad(images, ((0, 0), sides, sides, (0, 0)))
    crops = tf.cast(crops, tf.int64)
    top, left, flip = crops[:, 0, None], crops[:, 1, None], crops[:, 2, None]
    across = tf.range(width, dtype=tf.int64)[None]
    rows = top + tf.range(height, dtype=tf.int64)[None]
    columns = left + tf.where(flip == 1, width - 1 - across, across)
    padded = tf.gather(padded, rows, axis=1, batch_dims=1)
    return tf.gather(padded, columns, axis=2, batch_dims=1)

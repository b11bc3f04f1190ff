"""The interface to a run's images for training and scoring, wherever they are stored."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import tensorflow as tf

from benchmark.data.normalization import Normalization
from benchmark.data.photographs.geometry import Window

Views = Callable[[int, int], Sequence[Window]]
"""A function from an image's height and width to the windows to be taken from it."""

Tensors = tuple[tf.Tensor, ...]


class Feed(Protocol):
    """A run's images: those that it is trained on, and those that it is scored on.

    The host provides inputs, from which the graph makes a batch; both are pure functions of the
    seed, the epoch and the images' indices."""

    steps_a_call: int
    """The most iterations per TensorFlow call. It does not affect bits."""

    normalization: Normalization
    """How pixels are prepared for the net."""

    scored_counts: dict[str, int]
    """Split (``test``, and ``validation`` if images are held out) -> number of scored images."""

    def train_inputs(self, seed: int, batch_size: int, first: int, steps: int) -> Tensors:
        """Return the inputs for iterations ``first`` to ``first + steps - 1``, counted from 0: the
        first axis is iterations, the second the batch, and all other sizes are known."""

    def train_batch(self, *inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return, in the graph, for one iteration or a replica's share of it, images (batch,
        height, width, 3) float32, normalised and augmented, and labels (batch,) int32."""

    def scored_inputs(self, split: str, batch_size: int) -> Iterator[Tensors]:
        """Yield the inputs of one batch after the other; each image once, in the split's order."""

    def scored_views(
        self, split: str, views: Views, count: int, batch_size: int, first: int = 0
    ) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
        """Yield, for each batch of the scored images from ``first`` on, in order, each image once:
        pixels (batch, count, height, width, 3) uint8 of the ``count`` views given by ``views``, and
        labels. Views whose size differs from image to image need a ``batch_size`` of 1."""

    def scored_batch(self, split: str, *inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return, in the graph, the normalised images and the labels of a scored batch."""

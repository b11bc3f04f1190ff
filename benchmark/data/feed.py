"""What training and scoring ask of a run's images, wherever they lie."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import tensorflow as tf

from benchmark.data.normalization import Normalization
from benchmark.data.photographs.geometry import Window

Views = Callable[[int, int], Sequence[Window]]
"""From an image's height and width to the windows that are wanted of it."""

Tensors = tuple[tf.Tensor, ...]


class Feed(Protocol):
    """A run's images: those that it is trained on, and those that it is scored on.

    The host hands over inputs, the graph makes a batch of them; both are pure functions of the
    seed, the epoch and the images' indices."""

    steps_a_call: int
    """The most iterations between two words with the host. It changes no bits."""

    normalization: Normalization
    """What is done to the pixels before they come to the net."""

    scored_counts: dict[str, int]
    """Split (``test``, and ``validation`` where images are held out) -> images that are scored."""

    def train_inputs(self, seed: int, batch_size: int, first: int, steps: int) -> Tensors:
        """For the iterations ``first`` to ``first + steps - 1``, counted from 0: of each input the
        first axis is the iterations', the second the batch's, and all other sizes are known."""

    def train_batch(self, *inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """In the graph, of one iteration or of a replica's share of it: images (batch, height,
        width, 3) float32, normalised and augmented, and labels (batch,) int32."""

    def scored_inputs(self, split: str, batch_size: int) -> Iterator[Tensors]:
        """For one batch after the other; each image once, in the split's order."""

    def scored_views(
        self, split: str, views: Views, count: int, batch_size: int, first: int = 0
    ) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
        """For each batch of the scored images from ``first`` on, in order, each image once: pixels
        (batch, count, height, width, 3) uint8 of the ``count`` views that ``views`` says, and
        labels. Views whose size differs from image to image need a ``batch_size`` of 1."""

    def scored_batch(self, split: str, *inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """In the graph: images, as they are but normalised, and labels, of a scored batch."""

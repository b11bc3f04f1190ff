"""The interface through which training and scoring get a run's images, wherever they are stored."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import tensorflow as tf

from benchmark.data.normalization import Normalization
from benchmark.data.photographs.geometry import Window

Views = Callable[[int, int], Sequence[Window]]
"""From an image's height and width to the windows wanted from it."""

Tensors = tuple[tf.Tensor, ...]


class Feed(Protocol):
    """A run's images: those that it is trained on, and those that it is scored on.

    The host supplies inputs and the graph makes a batch of them; both are pure functions of the
    seed, the epoch and the images' indices."""

    steps_a_call: int
    """Maximum number of iterations between returns to the host. It does not change the bits."""

    normalization: Normalization
    """How pixels are normalized before they enter the net."""

    scored_counts: dict[str, int]
    """Split (``test``, and ``validation`` if images are held out) -> number of scored images."""

    def train_inputs(self, seed: int, batch_size: int, first: int, steps: int) -> Tensors:
        """Return the inputs of the iterations ``first`` to ``first + steps - 1``, counted from 0.
        The first axis of each is iterations, the second the batch; all other sizes are static."""

    def train_batch(self, *inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """In the graph, for one iteration or a replica's share of it: return images (batch, height,
        width, 3) float32, normalized and augmented, and labels (batch,) int32."""

    def scored_inputs(self, split: str, batch_size: int) -> Iterator[Tensors]:
        """Yield the inputs of one batch after another; each image once, in the split's order."""

    def scored_views(
        self, split: str, views: Views, count: int, batch_size: int, first: int = 0
    ) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
        """For each batch of the scored images from ``first`` on, in order, each image once: yield
        pixels (batch, count, height, width, 3) uint8 of the ``count`` views that ``views`` gives,
        and labels. Views whose size varies between images need a ``batch_size`` of 1."""

    def scored_batch(self, split: str, *inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """In the graph: return the images of a scored batch, only normalized, and their labels."""

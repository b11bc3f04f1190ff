"""What a run trains, and how that is scored: what the training loop asks of it."""

from collections.abc import Iterable, Mapping
from typing import Protocol

import keras
import tensorflow as tf

from benchmark.data.normalization import Normalization
from benchmark.models.count import Cost

Counted = dict[str, tf.Tensor]
"""Name -> a scalar, summed over the images of a batch or of a replica's share of it."""


class Objective(Protocol):
    """From a step's inputs to what is minimised."""

    model: keras.Model
    """What it trains."""

    counted: Mapping[str, tf.DType]
    """What is counted beside the loss, and its type."""

    def __call__(self, replica: int, *inputs: tf.Tensor) -> tuple[tf.Tensor, Counted]:
        """In the graph, of the inputs of one replica: the mean loss over its images, a scalar
        without the weight penalty, and what is counted."""


class Task(Protocol):
    """A net, what it is trained on, and what it is scored by."""

    model: keras.Model
    normalization: Normalization
    """What is done to the pixels before they come to the net."""
    cost: Cost
    rates: list[float]
    """By trained weight: its learning rate over that of the schedule."""
    train_count: int
    """Images of an epoch."""
    steps_a_call: int
    """The most iterations between two words with the host. It changes no bits."""

    @property
    def objective(self) -> Objective:
        """What it is trained by."""

    def train_inputs(
        self, seed: int, batch_size: int, first: int, steps: int
    ) -> tuple[tf.Tensor, ...]:
        """For the iterations ``first`` to ``first + steps - 1``, counted from 0: of each input the
        first axis is the iterations', the second the batch's, and all other sizes are known."""

    def finish(self, batches: Iterable[tuple[tf.Tensor, ...]]) -> None:
        """What is done to the net when its training is over, before it is scored. ``batches``: the
        train inputs of one iteration after the other, from the training's end on."""

    def trained(self, counted: Mapping[str, float], images: int) -> dict[str, float]:
        """What is told of training on so many images, by name, beside the loss."""

    def score(self, split: str) -> dict[str, float | None]:
        """Scores of the net as it is, each image of a split counted once; by name, None where one
        does not exist."""

    def diagnosed(self) -> dict[str, dict[str, float]]:
        """``Diagnostic.key`` -> layer -> value, of what is measured of the net as it is, where
        ``diagnostics`` asks for it."""

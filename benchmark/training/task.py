"""The training loop's interface to what a run trains and how it is scored."""

from collections.abc import Iterable, Mapping
from typing import Protocol

import keras
import tensorflow as tf

from benchmark.data.normalization import Normalization
from benchmark.models.count import Cost

Counted = dict[str, tf.Tensor]
"""Name -> a scalar, summed over the images of a batch or of a replica's share of it."""


class Objective(Protocol):
    """A function from a step's inputs to what is minimised."""

    model: keras.Model
    """The model that it trains."""

    counted: Mapping[str, tf.DType]
    """What is counted in addition to the loss, and its type."""

    def __call__(self, replica: int, *inputs: tf.Tensor) -> tuple[tf.Tensor, Counted]:
        """Return, in the graph, the mean loss over the images of one replica, a scalar without the
        weight penalty, and what is counted."""


class Task(Protocol):
    """A net, its training data and its scoring."""

    model: keras.Model
    normalization: Normalization
    """How pixels are prepared for the net."""
    cost: Cost
    rates: list[float]
    """Per trained weight: its learning rate divided by the schedule's."""
    train_count: int
    """Images per epoch."""
    steps_a_call: int
    """The most iterations per TensorFlow call. It does not affect bits."""

    @property
    def objective(self) -> Objective:
        """The objective that it is trained with."""

    def train_inputs(
        self, seed: int, batch_size: int, first: int, steps: int
    ) -> tuple[tf.Tensor, ...]:
        """Return the inputs for iterations ``first`` to ``first + steps - 1``, counted from 0: the
        first axis is iterations, the second the batch, and all other sizes are known."""

    def finish(self, batches: Iterable[tuple[tf.Tensor, ...]]) -> None:
        """Finish the net after training, before it is scored. ``batches``: the train inputs of
        successive iterations, continuing from the end of training."""

    def trained(self, counted: Mapping[str, float], images: int) -> dict[str, float]:
        """Return what is reported about training on ``images`` images, by name, besides the
        loss."""

    def score(self, split: str) -> dict[str, float | None]:
        """Return the current net's scores by name, counting each image of a split once; None where
        a score does not exist."""

    def diagnosed(self) -> dict[str, dict[str, float]]:
        """Return ``Diagnostic.key`` -> layer -> value, measured on the current net, where
        ``diagnostics`` asks for it."""

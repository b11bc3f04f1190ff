"""The interface between the training loop and what a run trains and scores."""

from collections.abc import Iterable, Mapping
from typing import Protocol

import keras
import tensorflow as tf

from benchmark.data.normalization import Normalization
from benchmark.models.count import Cost

Counted = dict[str, tf.Tensor]
"""Name -> a scalar, summed over the images of a batch or of a replica's part of it."""


class Objective(Protocol):
    """A function from a step's inputs to the loss that is minimised."""

    model: keras.Model
    """The net to train."""

    counted: Mapping[str, tf.DType]
    """Names and types of what is counted in addition to the loss."""

    def __call__(self, replica: int, *inputs: tf.Tensor) -> tuple[tf.Tensor, Counted]:
        """Return, in the graph and for one replica's inputs, the mean loss over its images, a
        scalar without the weight penalty, and what is counted."""


class Task(Protocol):
    """A net, the data it is trained on, and its scores."""

    model: keras.Model
    normalization: Normalization
    """Normalization of the pixels before they enter the net."""
    cost: Cost
    rates: list[float]
    """For each trained weight, its learning rate divided by the schedule's."""
    train_count: int
    """Images per epoch."""
    steps_a_call: int
    """Maximum number of iterations per call from the host. It does not change any bits."""

    @property
    def objective(self) -> Objective:
        """The objective that the net is trained on."""

    def train_inputs(
        self, seed: int, batch_size: int, first: int, steps: int
    ) -> tuple[tf.Tensor, ...]:
        """Return the inputs of iterations ``first`` to ``first + steps - 1``, counted from 0. Their
        first axis is the iterations, the second the batch, and all other sizes are static."""

    def finish(self, batches: Iterable[tuple[tf.Tensor, ...]]) -> None:
        """Finish the net after training, before it is scored. ``batches``: the train inputs of
        successive iterations, continuing from the training's end."""

    def trained(self, counted: Mapping[str, float], images: int) -> dict[str, float]:
        """Return what is reported of training on ``images`` images in addition to the loss, by
        name."""

    def score(self, split: str) -> dict[str, float | None]:
        """Return the current net's scores by name, each image of a split counted once; None if a
        score does not exist."""

    def diagnosed(self) -> dict[str, dict[str, float]]:
        """Return ``Diagnostic.key`` -> layer -> value, measured on the current net, if
        ``diagnostics`` requests it."""

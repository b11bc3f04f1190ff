"""The state that the rest of a run depends on: its net, its optimiser and its counters."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmark.training.loss_scale import LossScale
from benchmark.training.optimizers.rule import Rule


@dataclass(frozen=True)
class State:
    """A run's state between two calls of its training steps; resuming from it gives the same bits.

    The order of the images is a function of the iteration and therefore not part of the state.
    """

    counters: dict[str, Any]
    """Plain JSON: iteration, epoch, the warm-up, and the sums since the start of the epoch."""

    arrays: dict[str, np.ndarray]
    """Every variable by name: weights, moving statistics, optimizer state, the loss scale."""


class Variables:
    """All variables of a run, by name."""

    def __init__(self, model: keras.Model, optimizer: Rule, loss_scale: LossScale):
        named: dict[str, tf.Variable] = {}
        for weight in model.weights:
            named[f"model/{weight.path}"] = weight.value
        weights = {id(weight) for weight in model.weights}
        others = [variable for variable in model.variables if id(variable) not in weights]
        for number, variable in enumerate(others):  # Dropout's, whose paths Keras renumbers.
            named[f"random/{number}"] = variable.value
        named |= optimizer.state
        named["loss_scale/scale"] = loss_scale.scale
        named["loss_scale/good_steps"] = loss_scale.good_steps
        self._named = named

    def arrays(self) -> dict[str, np.ndarray]:
        """Return a copy of each variable."""
        return {name: variable.numpy().copy() for name, variable in self._named.items()}

    def assign(self, arrays: dict[str, np.ndarray]) -> None:
        """Set all variables. Raises ValueError, and sets none, if names or shapes differ."""
        for problem in self._problems(arrays):
            raise ValueError(f"the state must fit the run's net and optimizer: {problem}")
        for name, variable in self._named.items():
            variable.assign(arrays[name])

    def _problems(self, arrays: dict[str, np.ndarray]) -> Iterator[str]:
        for name in sorted(self._named.keys() ^ arrays.keys()):
            yield f"{name} is {'unknown' if name in arrays else 'missing'}"
        for name, variable in self._named.items():
            if tuple(variable.shape) != arrays[name].shape:
                yield f"{name} must have shape {tuple(variable.shape)}: {arrays[name].shape}"

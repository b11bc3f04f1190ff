"""The base class of every rule."""

from collections.abc import Sequence

import keras
import tensorflow as tf


class Rule:
    """An update of weights, one step at a time."""

    def __init__(self, weights: list[keras.Variable], rates: Sequence[float] | None = None):
        """``rates``: per weight, its learning rate divided by the step's; 1 by default."""
        self.weights = weights
        self.rates = rates or [1.0] * len(weights)
        self.state: dict[str, tf.Variable] = {}
        """Name in checkpoints -> variable that the rule keeps between steps."""

    def _kept(self, name: str) -> list[tf.Variable]:
        """Return, per weight, a variable of its shape, initially 0, and add it to the state."""
        found = []
        for weight in self.weights:
            path = f"{name}/{weight.path}"
            kept = tf.Variable(tf.zeros_like(weight.value), trainable=False, name=path)
            self.state[path] = kept
            found.append(kept)
        return found

    def apply(self, gradients: list[tf.Tensor], learning_rate: tf.Tensor) -> None:
        """Take one step; ``gradients``: per weight, of the loss without the weight penalty."""
        raise NotImplementedError

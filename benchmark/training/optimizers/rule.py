"""The base of all update rules."""

from collections.abc import Sequence

import keras
import tensorflow as tf


class Rule:
    """An update rule for weights, one step at a time."""

    def __init__(self, weights: list[keras.Variable], rates: Sequence[float] | None = None):
        """``rates``: per weight, its learning rate divided by the step's; default 1."""
        self.weights = weights
        self.rates = rates or [1.0] * len(weights)
        self.state: dict[str, tf.Variable] = {}
        """Name in checkpoints -> variable that the rule keeps between steps."""

    def _kept(self, name: str) -> list[tf.Variable]:
        """Return a zero variable per weight, of the same shape, that is part of the state."""
        found = []
        for weight in self.weights:
            path = f"{name}/{weight.path}"
            kept = tf.Variable(tf.zeros_like(weight.value), trainable=False, name=path)
            self.state[path] = kept
            found.append(kept)
        return found

    def apply(self, gradients: list[tf.Tensor], learning_rate: tf.Tensor) -> None:
        """Take one step along the gradients, one per weight, of the loss without its penalty."""
        raise NotImplementedError

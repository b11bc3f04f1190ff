"""What every rule has."""

from collections.abc import Sequence

import keras
import tensorflow as tf


class Rule:
    """An update of weights, one step at a time."""

    def __init__(self, weights: list[keras.Variable], rates: Sequence[float] | None = None):
        """``rates``: by weight, its learning rate over that of the step; 1 where left out."""
        self.weights = weights
        self.rates = rates or [1.0] * len(weights)
        self.state: dict[str, tf.Variable] = {}
        """Name in checkpoints -> what the rule keeps from step to step."""

    def _kept(self, name: str) -> list[tf.Variable]:
        """By weight a variable of its shape, from 0 on, which is a part of the state."""
        found = []
        for weight in self.weights:
            path = f"{name}/{weight.path}"
            kept = tf.Variable(tf.zeros_like(weight.value), trainable=False, name=path)
            self.state[path] = kept
            found.append(kept)
        return found

    def apply(self, gradients: list[tf.Tensor], learning_rate: tf.Tensor) -> None:
        """One step along the gradients of the loss without its penalty, by weight."""
        raise NotImplementedError

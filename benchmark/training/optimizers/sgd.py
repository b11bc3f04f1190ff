"""Stochastic gradient descent with momentum, in all forms that papers and frameworks use."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from benchmark.spec import SgdSpec
from benchmark.training.optimizers.rule import Rule


class Momentum(Rule):
    """The update of SgdSpec, on TensorFlow's fused kernels.

    Keras's own SGD has only the ``caffe`` form and decoupled decay.
    """

    def __init__(
        self, spec: SgdSpec, weights: list[keras.Variable], rates: Sequence[float] | None = None
    ):
        super().__init__(weights, rates)
        self.spec = spec
        self.velocities = self._kept("velocity")

    def apply(self, gradients: list[tf.Tensor], learning_rate: tf.Tensor) -> None:
        """See ``Rule``."""
        for weight, velocity, gradient, rate in zip(
            self.weights, self.velocities, gradients, self.rates, strict=True
        ):
            value = weight.value
            own_rate = learning_rate if rate == 1 else learning_rate * rate
            if self.spec.weight_decay and self._decays(weight):
                if self.spec.weight_decay_form == "coupled":
                    gradient = gradient + self.spec.weight_decay * value
                else:
                    value.assign_sub(own_rate * self.spec.weight_decay * value)
            update = (
                tf.raw_ops.ResourceApplyKerasMomentum
                if self.spec.momentum_form == "caffe"
                else tf.raw_ops.ResourceApplyMomentum
            )
            update(
                var=value.handle,
                accum=velocity.handle,
                lr=own_rate,
                grad=gradient,
                momentum=self.spec.momentum,
                use_nesterov=self.spec.nesterov,
            )

    def _decays(self, weight: keras.Variable) -> bool:
        scope = self.spec.weight_decay_scope
        if scope == "convolutions":
            return weight.name == "kernel" and len(weight.shape) == 4
        return scope == "all" or weight.name == "kernel"

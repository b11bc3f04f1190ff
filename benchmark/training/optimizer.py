"""Stochastic gradient descent with momentum, in each form that papers and frameworks use."""

import keras
import tensorflow as tf

from benchmark.spec import SgdSpec


class Momentum:
    """The update of SgdSpec, on TensorFlow's fused kernels.

    Keras's own SGD has the ``caffe`` form and decoupled decay alone.
    """

    def __init__(
        self, spec: SgdSpec, weights: list[keras.Variable], rates: list[float] | None = None
    ):
        """``rates``: by weight, its learning rate over that of the step; 1 where left out."""
        self.spec = spec
        self.weights = weights
        self.rates = rates or [1.0] * len(weights)
        self.velocities = [
            tf.Variable(
                tf.zeros_like(weight.value), trainable=False, name=f"velocity/{weight.path}"
            )
            for weight in weights
        ]

    def apply(self, gradients: list[tf.Tensor], learning_rate: tf.Tensor) -> None:
        """One step along the gradients of the loss without its penalty, by weight."""
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

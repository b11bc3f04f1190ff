"""Keras's batch normalisation, computed by TensorFlow's fused kernel."""

from collections.abc import Callable

import keras
import tensorflow as tf
from keras import layers

NO_STATISTICS = ()
"""Placeholder for the moving statistics when the kernel computes the batch's."""


@keras.saving.register_keras_serializable("resnet_bench")
class BatchNormalization(layers.BatchNormalization):
    """``keras.layers.BatchNormalization`` of images, in one kernel instead of about ten.

    It shares the name of Keras's class because the layout of weight files depends on class names: a
    file written by either class can be read by the other.

    Arguments, weights, saving and numbers are the base class's, up to rounding: bfloat16 images
    are normalised in float32 here too, and the moving variance uses the batch's biased variance.
    The base class handles what the kernel does not: a mask, renormalisation, statistics over
    replicas, or an input that is not (batch, height, width, channels).
    """

    def call(
        self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Normalise; in training by the batch's statistics, which update the moving ones."""
        if not self._fusable(inputs, mask):
            return super().call(inputs, training=training, mask=mask)
        channels = inputs.shape[-1]
        arguments = {
            "x": inputs,
            "scale": self.gamma.value if self.scale else tf.ones(channels),
            "offset": self.beta.value if self.center else tf.zeros(channels),
            "epsilon": self.epsilon,
        }
        if not (training and self.trainable):
            return by_moving_statistics(
                **arguments, mean=self.moving_mean.value, variance=self.moving_variance.value
            )
        batch = tf.raw_ops.FusedBatchNormV3(
            **arguments, mean=NO_STATISTICS, variance=NO_STATISTICS, is_training=True
        )
        count = tf.cast(tf.size(inputs) // channels, tf.float32)
        biased = batch.batch_variance * ((count - 1) / count)  # The kernel's divisor is n - 1.
        self._move(self.moving_mean, batch.batch_mean)
        self._move(self.moving_variance, biased)
        return batch.y

    def _fusable(self, inputs: tf.Tensor, mask: tf.Tensor | None) -> bool:
        return (
            mask is None
            and not self.renorm
            and not self.synchronized
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and inputs.dtype in (tf.float32, tf.float16, tf.bfloat16)
            and self.variable_dtype == "float32"
        )

    def _move(self, moving: keras.Variable, batch: tf.Tensor) -> None:
        moved = moving.value * self.momentum + batch * (1.0 - self.momentum)
        if tf.distribute.has_strategy():  # Each replica updates its own copy.
            tf.raw_ops.AssignVariableOp(resource=moving.value.handle, value=moved)
        else:
            moving.assign(moved)


def by_moving_statistics(
    x: tf.Tensor,
    scale: tf.Tensor,
    offset: tf.Tensor,
    mean: tf.Tensor,
    variance: tf.Tensor,
    epsilon: float,
) -> tf.Tensor:
    """Return ``x`` normalised by given statistics, through which no gradient flows.

    TensorFlow has no deterministic GPU implementation of the fused kernel's gradient in inference,
    so it is written out here, in float32 as in the kernel.
    """

    @tf.custom_gradient
    def normalized(
        x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor
    ) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor | None, ...]]]:
        y = tf.raw_ops.FusedBatchNormV3(
            x=x,
            scale=scale,
            offset=offset,
            mean=mean,
            variance=variance,
            epsilon=epsilon,
            is_training=False,
        ).y

        def gradients(upstream: tf.Tensor) -> tuple[tf.Tensor | None, ...]:
            dy = tf.cast(upstream, tf.float32)
            inverse = tf.math.rsqrt(variance + epsilon)
            of_scale = tf.reduce_sum(dy * (tf.cast(x, tf.float32) - mean), (0, 1, 2)) * inverse
            of_x = tf.cast(dy * (inverse * scale), x.dtype)
            return of_x, of_scale, tf.reduce_sum(dy, (0, 1, 2)), None, None

        return y, gradients

    tensors = (tf.convert_to_tensor(each) for each in (x, scale, offset, mean, variance))
    return normalized(*tensors)

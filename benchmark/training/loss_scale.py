"""Dynamic loss scaling keeps float16 gradients from vanishing (Micikevicius et al., 2018)."""

import tensorflow as tf

GROWTH_STEPS = 2000
"""Number of steps without overflow after which the scale doubles."""


class LossScale:
    """The factor on the loss. A step whose gradients overflow is skipped and halves it."""

    def __init__(self, initial: float | None):
        """``initial``: the scale at the first step; None for no scaling, which costs nothing."""
        self.active = initial is not None
        self.scale = tf.Variable(initial or 1.0, trainable=False, name="loss_scale")
        self.good_steps = tf.Variable(0, trainable=False, dtype=tf.int64, name="good_steps")

    def scaled(self, loss: tf.Tensor) -> tf.Tensor:
        """Return the scaled loss, whose gradients are computed."""
        return loss * self.scale if self.active else loss

    def unscaled(self, gradients: list[tf.Tensor]) -> list[tf.Tensor]:
        """Return the gradients of the unscaled loss."""
        return [gradient / self.scale for gradient in gradients] if self.active else gradients

    def update(self, finite: tf.Tensor) -> None:
        """Update the scale, if active. ``finite``: bool scalar, whether the gradients were."""
        zero = tf.constant(0, tf.int64)
        good = tf.where(finite, self.good_steps + 1, zero)
        grown = good >= GROWTH_STEPS
        factor = tf.where(finite, tf.where(grown, 2.0, 1.0), 0.5)
        assign_local(self.scale, tf.maximum(self.scale * factor, 1.0))
        assign_local(self.good_steps, tf.where(grown, zero, good))


def assign_local(variable: tf.Variable, value: tf.Tensor) -> None:
    """Assign only this replica's copy of a variable."""
    tf.raw_ops.AssignVariableOp(resource=variable.handle, value=value)

"""Training steps as one TensorFlow function: no word with the host until they are done."""

from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from benchmark.data.resident import ResidentImages
from benchmark.training.optimizer import Momentum


class StepSums(NamedTuple):
    """Sums over the steps done; they stop after a step whose loss is not finite."""

    steps: tf.Tensor
    loss: tf.Tensor
    """Mean cross-entropy of a batch, without the weight penalty, float64."""
    errors: tf.Tensor
    """Images classified wrongly."""
    gradient_norms: tf.Tensor
    """(kernels + 1,) float64: the L2 norm of each kernel's gradient, of the loss without its
    penalty, and last that of all gradients together."""


def kernels(model: keras.Model) -> list[keras.Variable]:
    """The kernels whose gradient norms are reported, from the stem to the classifier."""
    return [weight for weight in model.trainable_weights if weight.name == "kernel"]


def training_steps(
    model: keras.Model, data: ResidentImages, optimizer: Momentum, *, xla: bool
) -> Callable[..., StepSums]:
    """A function (indices, crops, learning_rates) -> StepSums that trains ``model``.

    ``indices``: (steps, batch), ``crops``: (steps, batch, 3), ``learning_rates``: (steps,).
    """
    weights = optimizer.weights
    reported = [index for index, weight in enumerate(weights) if weight.name == "kernel"]

    @tf.function(jit_compile=xla)
    def step(indices, crops, rate):
        images, labels = data.train_batch(indices, crops)
        with tf.GradientTape() as tape:
            logits = model(images, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, [weight.value for weight in weights])
        optimizer.apply(gradients, rate)
        wrong = tf.argmax(logits, axis=1, output_type=tf.int32) != labels
        squares = [2 * tf.nn.l2_loss(gradient) for gradient in gradients]
        squares = [*(squares[index] for index in reported), tf.add_n(squares)]
        return loss, tf.reduce_sum(tf.cast(wrong, tf.int64)), tf.sqrt(tf.stack(squares))

    @tf.function(reduce_retracing=True)
    def steps(indices, crops, rates):
        def more(sums):
            return (sums.steps < tf.shape(indices)[0]) & tf.math.is_finite(sums.loss)

        def body(sums):
            at = sums.steps
            loss, errors, norms = step(indices[at], crops[at], rates[at])
            return (
                StepSums(
                    at + 1,
                    sums.loss + tf.cast(loss, tf.float64),
                    sums.errors + errors,
                    sums.gradient_norms + tf.cast(norms, tf.float64),
                ),
            )

        start = StepSums(
            tf.constant(0),
            tf.constant(0.0, tf.float64),
            tf.constant(0, tf.int64),
            tf.zeros(len(reported) + 1, tf.float64),
        )
        return tf.while_loop(more, body, (start,), parallel_iterations=1)[0]

    batch = optimizer.spec.batch_size
    return steps.get_concrete_function(
        tf.TensorSpec((None, batch), tf.int32),
        tf.TensorSpec((None, batch, 3), tf.int32),
        tf.TensorSpec((None,), tf.float32),
    )

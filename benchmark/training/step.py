"""Training steps as one TensorFlow function: no word with the host until they are done."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

from benchmark.data.feed import Feed
from benchmark.training.loss_scale import LossScale
from benchmark.training.optimizer import Momentum
from benchmark.training.replicas import Replicas


class StepSums(NamedTuple):
    """Sums over the steps done; they stop after a step whose loss is not finite."""

    steps: tf.Tensor
    skipped: tf.Tensor
    """Steps whose float16 gradients overflowed, and that changed no trained weight. The moving
    statistics, which come from the forward pass, did move."""
    loss: tf.Tensor
    """Mean cross-entropy of a batch, without the weight penalty, float64."""
    errors: tf.Tensor
    """Images classified wrongly."""
    gradient_norms: tf.Tensor
    """(kernels + 1,) float64, over the steps not skipped: the L2 norm of each kernel's gradient,
    of the loss without its penalty, and last that of all gradients together."""


def kernels(model: keras.Model) -> list[keras.Variable]:
    """The kernels whose gradient norms are reported, from the stem to the classifier."""
    return [weight for weight in model.trainable_weights if weight.name == "kernel"]


def training_steps(
    model: keras.Model,
    data: Sequence[Feed],
    optimizer: Momentum,
    loss_scale: LossScale,
    replicas: Replicas,
    *,
    xla: bool,
) -> Callable[..., StepSums]:
    """A function (learning_rates, *inputs) -> StepSums that trains ``model``.

    ``data``: the images, on each replica's device. ``learning_rates``: (steps,). ``inputs``: the
    ``train_inputs`` of ``data`` for as many steps.
    """
    weights = optimizer.weights
    reported = [index for index, weight in enumerate(weights) if weight.name == "kernel"]

    @tf.function(jit_compile=xla)
    def step(rate, *inputs):
        images, labels = data[replicas.number()].train_batch(*map(replicas.share, inputs))
        with tf.GradientTape() as tape:
            logits = model(images, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
            scaled = loss_scale.scaled(loss)
        gradients = tape.gradient(scaled, [weight.value for weight in weights])
        gradients = loss_scale.unscaled(replicas.mean(gradients))
        # In float32 the squares of a vanishing gradient would be 0.
        squares = tf.stack([2 * tf.nn.l2_loss(tf.cast(g, tf.float64)) for g in gradients])
        # Not by tf.add_n, which adds in the order in which its terms are ready.
        total = tf.reduce_sum(squares, keepdims=True)
        norms = tf.sqrt(tf.concat([tf.gather(squares, reported), total], 0))
        applied = tf.constant(True)
        if loss_scale.active:
            applied = tf.math.is_finite(norms[-1])
            tf.cond(applied, lambda: optimizer.apply(gradients, rate), lambda: None)
            loss_scale.update(applied)
            norms = tf.where(applied, norms, tf.zeros_like(norms))
        else:
            optimizer.apply(gradients, rate)
        wrong = tf.argmax(logits, axis=1, output_type=tf.int32) != labels
        errors = tf.reduce_sum(tf.cast(wrong, tf.int64))
        return StepSums(
            steps=tf.constant(1),
            skipped=1 - tf.cast(applied, tf.int32),
            loss=tf.cast(replicas.mean([loss])[0], tf.float64),
            errors=replicas.sum([errors])[0],
            gradient_norms=norms,
        )

    @tf.function(reduce_retracing=True)
    def steps(rates, *inputs):
        def more(sums):
            return (sums.steps < tf.shape(rates)[0]) & tf.math.is_finite(sums.loss)

        def body(sums):
            at = sums.steps
            every = replicas.strategy.run(step, (rates[at], *(each[at] for each in inputs)))
            done = [replicas.strategy.experimental_local_results(part)[0] for part in every]
            return (StepSums(*map(tf.add, sums, done)),)

        start = StepSums(
            tf.constant(0),
            tf.constant(0),
            tf.constant(0.0, tf.float64),
            tf.constant(0, tf.int64),
            tf.zeros(len(reported) + 1, tf.float64),
        )
        return tf.while_loop(more, body, (start,), parallel_iterations=1)[0]

    signature = data[0].train_signature(optimizer.spec.batch_size)
    return steps.get_concrete_function(tf.TensorSpec((None,), tf.float32), *signature)

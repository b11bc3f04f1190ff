"""Training steps as one TensorFlow function: no word with the host until they are done."""

from typing import NamedTuple

import keras
import tensorflow as tf

from benchmark.training.loss_scale import LossScale
from benchmark.training.optimizer import Momentum
from benchmark.training.replicas import Replicas
from benchmark.training.task import Counted, Objective


class Steps(NamedTuple):
    """What some steps measured: of each tensor the first axis is theirs. They stop after a step
    whose loss is not finite."""

    loss: tf.Tensor
    """(steps,) float64: mean loss of a batch, without the weight penalty."""
    skipped: tf.Tensor
    """(steps,) bool: whether the float16 gradients overflowed, so that no trained weight changed.
    The moving statistics, which come from the forward pass, did move."""
    counted: Counted
    """Name -> (steps,): what the objective counts, over all images of a batch."""
    gradient_norms: tf.Tensor
    """(steps, kernels + 1) float64, 0 where skipped: the L2 norm of each kernel's gradient, of the
    loss without its penalty, and last that of all gradients together."""


def kernels(model: keras.Model) -> list[keras.Variable]:
    """The kernels whose gradient norms are reported, in the net's order: of a classifier from the
    stem to the last layer."""
    return [weight for weight in model.trainable_weights if weight.name == "kernel"]


class TrainingSteps:
    """A function (learning_rates, *inputs) -> Steps that trains the weights of ``optimizer``.

    ``learning_rates``: (steps,). ``inputs``: of the objective, for as many steps.
    """

    def __init__(
        self,
        objective: Objective,
        optimizer: Momentum,
        loss_scale: LossScale,
        replicas: Replicas,
        *,
        xla: bool,
    ):
        self._steps = _steps(objective, optimizer, loss_scale, replicas, xla)
        self._concrete: dict[tuple[tf.TensorSpec, ...], tf.types.experimental.ConcreteFunction] = {}

    def __call__(self, learning_rates: tf.Tensor, *inputs: tf.Tensor) -> Steps:
        """Train as many steps as there are learning rates."""
        return self.concrete(*inputs)(learning_rates, *inputs)

    def concrete(self, *inputs: tf.Tensor) -> tf.types.experimental.ConcreteFunction:
        """What is called for inputs of these shapes, for any number of steps: traced once."""
        signature = tuple(tf.TensorSpec((None, *each.shape[1:]), each.dtype) for each in inputs)
        if signature not in self._concrete:
            rates = tf.TensorSpec((None,), tf.float32)
            self._concrete[signature] = self._steps.get_concrete_function(rates, *signature)
        return self._concrete[signature]


def _steps(
    objective: Objective,
    optimizer: Momentum,
    loss_scale: LossScale,
    replicas: Replicas,
    xla: bool,
) -> tf.types.experimental.PolymorphicFunction:
    weights = optimizer.weights
    reported = [index for index, weight in enumerate(weights) if weight.name == "kernel"]

    @tf.function(jit_compile=xla)
    def step(rate, *inputs):
        with tf.GradientTape() as tape:
            loss, counted = objective(replicas.number(), *map(replicas.share, inputs))
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
        names, numbers = zip(*counted.items(), strict=True)
        return Steps(
            loss=tf.cast(replicas.mean([loss])[0], tf.float64),
            skipped=~applied,
            counted=dict(zip(names, replicas.sum([*numbers]), strict=True)),
            gradient_norms=norms,
        )

    @tf.function
    def steps(rates, *inputs):
        def more(at, finite, rows):
            return (at < tf.shape(rates)[0]) & finite

        def body(at, finite, rows):
            every = replicas.strategy.run(step, (rates[at], *(each[at] for each in inputs)))
            done = tf.nest.map_structure(
                lambda part: replicas.strategy.experimental_local_results(part)[0], every
            )
            rows = tf.nest.map_structure(lambda row, part: row.write(at, part), rows, done)
            return at + 1, tf.math.is_finite(done.loss), rows

        def room(kind, *shape):
            return tf.TensorArray(kind, tf.shape(rates)[0], element_shape=shape)

        rows = Steps(
            room(tf.float64),
            room(tf.bool),
            {name: room(kind) for name, kind in objective.counted.items()},
            room(tf.float64, len(reported) + 1),
        )
        start = tf.constant(0), tf.constant(True), rows
        count, _, rows = tf.while_loop(more, body, start, parallel_iterations=1)
        return tf.nest.map_structure(lambda row: row.stack()[:count], rows)

    return steps

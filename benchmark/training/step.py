"""Training steps as one TensorFlow function, which does not return to the host in between.

As in all such functions here, loops and conditions are TensorFlow's own: AutoGraph, which would
rewrite the code at each start for a second, is off."""

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from benchmark.training.loss_scale import LossScale
from benchmark.training.optimizers.rule import Rule
from benchmark.training.replicas import Replicas
from benchmark.training.task import Counted, Objective


class Steps(NamedTuple):
    """The measurements of several steps, which are the first axis of each tensor. They stop after a
    step whose loss is not finite."""

    loss: tf.Tensor
    """(steps,) float64: mean loss over a batch, without the weight penalty."""
    skipped: tf.Tensor
    """(steps,) bool: whether the float16 gradients overflowed, so that no trained weight changed.
    The moving statistics, updated in the forward pass, did change."""
    counted: Counted
    """Name -> (steps,): what the objective counts, over all images of a batch."""
    gradient_norms: tf.Tensor
    """(steps, kernels + 1) float64, 0 if skipped: the L2 norm of each kernel's gradient, for the
    loss without its penalty, followed by the norm of all gradients together."""


def kernels(model: keras.Model) -> list[keras.Variable]:
    """Return the kernels whose gradient norms are reported, in the net's order: for a classifier,
    from the stem to the last layer."""
    return [weight for weight in model.trainable_weights if weight.name == "kernel"]


class TrainingSteps:
    """A function (learning_rates, *inputs) -> Steps that trains the weights of ``optimizer``.

    ``learning_rates``: (steps,). ``inputs``: the objective's, for the same number of steps.
    """

    def __init__(
        self,
        objective: Objective,
        optimizer: Rule,
        loss_scale: LossScale,
        replicas: Replicas,
        *,
        xla: bool,
    ):
        norms = _norms_in_few_kernels if xla else _norms
        step = _step(objective, optimizer, loss_scale, replicas, norms)
        self._rows = _Rows(objective, optimizer)
        self.compiled: tf.types.experimental.PolymorphicFunction | None = None
        """With ``xla``, the whole loop, compiled once for each number of steps. It does not stop
        after a loss that is not finite."""
        if xla:
            self._state = [weight.value for weight in objective.model.variables]
            self._state += [*optimizer.state.values(), loss_scale.scale, loss_scale.good_steps]
            self.compiled = _compiled(step, self._rows)
        self._steps = self.compiled or _stepwise(step, self._rows, replicas)
        self._concrete: dict[tuple[tf.TensorSpec, ...], tf.types.experimental.ConcreteFunction] = {}

    def __call__(self, learning_rates: tf.Tensor, *inputs: tf.Tensor) -> Steps:
        """Train one step per learning rate."""
        if not self.compiled:
            return self.concrete(*inputs)(learning_rates, *inputs)
        if not len(learning_rates):  # XLA cannot return zero rows.
            return self._rows.none()
        before = [variable.read_value() for variable in self._state]
        steps = self.concrete(*inputs)(learning_rates, *inputs)
        finite = np.isfinite(steps.loss)
        if finite[:-1].all():
            return steps
        # At most once in a run: restore the state, and redo only the steps up to there.
        for variable, value in zip(self._state, before, strict=True):
            variable.assign(value)
        count = int(np.argmin(finite)) + 1
        return self.concrete(*inputs)(learning_rates[:count], *(each[:count] for each in inputs))

    def concrete(self, *inputs: tf.Tensor) -> tf.types.experimental.ConcreteFunction:
        """Return the function for inputs of these shapes and any number of steps, traced once."""
        signature = tuple(tf.TensorSpec((None, *each.shape[1:]), each.dtype) for each in inputs)
        if signature not in self._concrete:
            rates = tf.TensorSpec((None,), tf.float32)
            self._concrete[signature] = self._steps.get_concrete_function(rates, *signature)
        return self._concrete[signature]


Step = Callable[..., Steps]
"""(learning_rate, *inputs) of one step -> its measurements, each a scalar or (kernels + 1,)."""


class _Rows:
    """The types and shapes of the steps' measurements."""

    def __init__(self, objective: Objective, optimizer: Rule):
        norms = len(_reported(optimizer)) + 1
        self._parts = Steps(
            tf.TensorSpec((), tf.float64),
            tf.TensorSpec((), tf.bool),
            {name: tf.TensorSpec((), kind) for name, kind in objective.counted.items()},
            tf.TensorSpec((norms,), tf.float64),
        )

    def room(self, steps: tf.Tensor) -> Steps:
        """Return, in the graph, TensorArrays for ``steps`` steps."""
        return tf.nest.map_structure(
            lambda part: tf.TensorArray(part.dtype, steps, element_shape=part.shape), self._parts
        )

    def none(self) -> Steps:
        """Return the measurements of zero steps."""
        return tf.nest.map_structure(
            lambda part: tf.zeros((0, *part.shape), part.dtype), self._parts
        )


def _reported(optimizer: Rule) -> list[int]:
    return [index for index, weight in enumerate(optimizer.weights) if weight.name == "kernel"]


def _norms(gradients: list[tf.Tensor], reported: list[int]) -> tf.Tensor:
    """Return (reported + 1,) float64: the L2 norms of the reported gradients, then of all."""
    # In float32, the squares of a vanishing gradient would be 0.
    squares = tf.stack([2 * tf.nn.l2_loss(tf.cast(g, tf.float64)) for g in gradients])
    # Not tf.add_n, which adds terms in the order in which they become ready.
    total = tf.reduce_sum(squares, keepdims=True)
    return tf.sqrt(tf.concat([tf.gather(squares, reported), total], 0))


def _norms_in_few_kernels(gradients: list[tf.Tensor], reported: list[int]) -> tf.Tensor:
    """Return ``_norms``, summed in another order: gradients that are not reported are many and
    small, and are concatenated into one."""
    others = [g for index, g in enumerate(gradients) if index not in reported]
    parts = [gradients[index] for index in reported]
    if others:
        parts.append(tf.concat([tf.reshape(g, (-1,)) for g in others], 0))
    squares = tf.stack([2 * tf.nn.l2_loss(tf.cast(part, tf.float64)) for part in parts])
    total = tf.reduce_sum(squares, keepdims=True)
    return tf.sqrt(tf.concat([squares[: len(reported)], total], 0))


def _step(
    objective: Objective,
    optimizer: Rule,
    loss_scale: LossScale,
    replicas: Replicas,
    norms_of: Callable[[list[tf.Tensor], list[int]], tf.Tensor],
) -> Step:
    weights, reported = optimizer.weights, _reported(optimizer)

    def step(rate: tf.Tensor, *inputs: tf.Tensor) -> Steps:
        with tf.GradientTape() as tape:
            loss, counted = objective(replicas.number(), *map(replicas.share, inputs))
            scaled = loss_scale.scaled(loss)
        gradients = tape.gradient(scaled, [weight.value for weight in weights])
        gradients = loss_scale.unscaled(replicas.mean(gradients))
        norms = norms_of(gradients, reported)
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

    return step


def _stepwise(
    step: Step, empty: _Rows, replicas: Replicas
) -> tf.types.experimental.PolymorphicFunction:
    """Return a function that takes steps one by one until a loss is not finite."""
    step = tf.function(step, autograph=False)

    @tf.function(autograph=False)
    def steps(rates: tf.Tensor, *inputs: tf.Tensor) -> Steps:
        def more(at: tf.Tensor, finite: tf.Tensor, rows: Steps) -> tf.Tensor:
            return (at < tf.shape(rates)[0]) & finite

        def body(
            at: tf.Tensor, finite: tf.Tensor, rows: Steps
        ) -> tuple[tf.Tensor, tf.Tensor, Steps]:
            every = replicas.strategy.run(step, (rates[at], *(each[at] for each in inputs)))
            done = tf.nest.map_structure(
                lambda part: replicas.strategy.experimental_local_results(part)[0], every
            )
            rows = tf.nest.map_structure(lambda row, part: row.write(at, part), rows, done)
            return at + 1, tf.math.is_finite(done.loss), rows

        start = tf.constant(0), tf.constant(True), empty.room(tf.shape(rates)[0])
        count, _, rows = tf.while_loop(more, body, start, parallel_iterations=1)
        return tf.nest.map_structure(lambda row: row.stack()[:count], rows)

    return steps


def _compiled(step: Step, empty: _Rows) -> tf.types.experimental.PolymorphicFunction:
    """Return a loop that XLA compiles as a whole, with a fixed number of iterations."""

    @tf.function(autograph=False, jit_compile=True)
    def steps(rates: tf.Tensor, *inputs: tf.Tensor) -> Steps:
        def body(at: tf.Tensor, rows: Steps) -> tuple[tf.Tensor, Steps]:
            done = step(rates[at], *(each[at] for each in inputs))
            return at + 1, tf.nest.map_structure(lambda row, part: row.write(at, part), rows, done)

        count = tf.shape(rates)[0]
        start = tf.constant(0), empty.room(count)
        _, rows = tf.while_loop(lambda at, rows: at < count, body, start, parallel_iterations=1)
        return tf.nest.map_structure(lambda row: row.stack(), rows)

    return steps

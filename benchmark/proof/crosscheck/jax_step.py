"""The other side: the same builder on Keras's JAX backend, with Keras's own batch normalization,
and the paper's update written out.

``KERAS_BACKEND=jax python -m benchmark.proof.crosscheck.jax_step NET GIVEN TRACE``
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.proof.crosscheck.case import Given, Trace, spec_of
from benchmark.spec import SgdSpec


def updated(sgd: SgdSpec, weight: Any, velocity: Any, gradient: Any, rate: Any) -> tuple[Any, Any]:
    """Return a weight and its velocity after a step of the paper's rule (``SgdSpec``'s defaults:
    decay of all weights in the gradient, and the learning rate in the velocity)."""
    velocity = sgd.momentum * velocity + rate * (gradient + sgd.weight_decay * weight)
    return weight - velocity, velocity


def train(net: str, given: Given) -> Trace:
    """Train on the given images, labels and rates, from the given weights."""
    import jax

    iterations, batch = given.labels.shape
    spec = spec_of(net, iterations, batch)
    model = _model(spec, given)
    step = jax.jit(_step(model, spec.optimizer))
    weights = [each.value for each in model.trainable_variables]
    others = [each.value for each in model.non_trainable_variables]
    state: Any = weights, [0 * each for each in weights], others
    kept, rows = [_flat(weights)], []
    for images, labels, rate in zip(given.images, given.labels, given.rates, strict=True):
        state, row = step(state, images, labels, rate)
        kept.append(_flat(state[0]))
        rows.append([np.asarray(each, np.float64) for each in row])
    losses, errors, norms = (np.stack(column) for column in zip(*rows, strict=True))
    own = [i for i, each in enumerate(model.trainable_variables) if each.name == "kernel"]
    layers = [model.trainable_variables[index].path.removesuffix("/kernel") for index in own]
    return Trace(np.array(layers), losses, errors.astype(np.int64), norms[:, own], np.stack(kept))


def _model(spec: Any, given: Given) -> Any:
    import keras

    from benchmark.models import layers as own
    from benchmark.models.build import build_model

    if keras.config.backend() != "jax":
        raise RuntimeError(f"KERAS_BACKEND must be jax. Received: {keras.config.backend()}")
    vars(own)["BatchNormalization"] = keras.layers.BatchNormalization
    model = build_model(spec.model, given.images.shape[2:], spec.dataset.classes)
    for weight in model.weights:
        weight.assign(given.weights[weight.path])
    return model


def _step(model: Any, sgd: SgdSpec) -> Callable[..., Any]:
    import jax
    import jax.numpy as jnp

    def loss_of(weights: Any, others: Any, images: Any, labels: Any) -> Any:
        logits, others = model.stateless_call(weights, others, images, training=True)
        right = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)
        return -right.mean(), (others, (logits.argmax(1) != labels).sum())

    def step(state: Any, images: Any, labels: Any, rate: Any) -> Any:
        weights, velocities, others = state
        graded = jax.value_and_grad(loss_of, has_aux=True)
        (loss, (others, errors)), gradients = graded(weights, others, images, labels)
        norms = jnp.stack([jnp.linalg.norm(gradient.ravel()) for gradient in gradients])
        each = zip(weights, velocities, gradients, strict=True)
        weights, velocities = zip(*(updated(sgd, *one, rate) for one in each), strict=True)
        return ([*weights], [*velocities], others), (loss, errors, norms)

    return step


def _flat(weights: list[Any]) -> np.ndarray:
    return np.concatenate([np.ravel(weight) for weight in weights])


if __name__ == "__main__":
    train(sys.argv[1], Given.read(Path(sys.argv[2]))).write(Path(sys.argv[3]))

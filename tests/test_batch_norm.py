"""The fused batch normalisation against Keras's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmark.models.batch_norm import BatchNormalization, by_moving_statistics

TOLERANCE = {"float32": 2e-5, "mixed_bfloat16": 2e-2, "mixed_float16": 4e-3}
"""Rounding of one bfloat16 or float16 output; float32's of a sum over the batch."""


def images(shape, seed, scale=3.0, shift=1.0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=shape) * scale + shift).astype(np.float32)


def pair(policy, channels, seed, **arguments):
    """The fused layer and Keras's, with the same weights, none of them at its first value."""
    rng = np.random.default_rng(seed)
    values = [rng.uniform(0.5, 2, channels).astype(np.float32) for _ in range(4)]
    layers = []
    for kind in (BatchNormalization, keras.layers.BatchNormalization):
        layer = kind(dtype=policy, **arguments)
        layer.build((None, None, None, channels))
        layer.set_weights(values[-len(layer.weights) :])
        layers.append(layer)
    return layers


def outcome(layer, x, upstream, training):
    """Outputs, gradients by input and weights, and the weights afterwards."""
    x = tf.cast(x, layer.compute_dtype)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=training)
        loss = tf.reduce_sum(tf.cast(y, tf.float32) * upstream)
    weights = [weight.value for weight in layer.trainable_weights]
    gradients = tape.gradient(loss, [x, *weights])
    assert y.dtype == layer.compute_dtype
    return [tf.cast(t, tf.float32).numpy() for t in (y, *gradients)] + layer.get_weights()


def close(ours, theirs, tolerance):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * max(1, np.abs(b).max()))


@settings(max_examples=30, deadline=None)
@given(
    batch=st.integers(1, 5),
    size=st.integers(1, 6),
    channels=st.integers(1, 9),
    momentum=st.sampled_from([0.0, 0.5, 0.9, 0.99]),
    epsilon=st.sampled_from([1e-5, 1.001e-5, 1e-3]),
    scale=st.booleans(),
    center=st.booleans(),
    training=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_numbers_and_gradients_are_keras_s(
    batch, size, channels, momentum, epsilon, scale, center, training, seed
):
    arguments = dict(momentum=momentum, epsilon=epsilon, scale=scale, center=center)
    ours, theirs = pair("float32", channels, seed, **arguments)
    shape = (batch, size, size + 1, channels)
    x, upstream = images(shape, seed), images(shape, seed + 1)
    assume(x.var((0, 1, 2)).min() > 0.1)  # Of two like pixels the variance is mostly rounding.
    close(outcome(ours, x, upstream, training), outcome(theirs, x, upstream, training), 1e-4)


@pytest.mark.parametrize("policy", TOLERANCE)
@pytest.mark.parametrize("training", [True, False])
def test_in_each_precision(policy, training):
    ours, theirs = pair(policy, 16, 0, momentum=0.9, epsilon=1e-5)
    shape = (32, 8, 8, 16)
    x, upstream = images(shape, 1), images(shape, 2, scale=0.01, shift=0)
    close(
        outcome(ours, x, upstream, training),
        outcome(theirs, x, upstream, training),
        TOLERANCE[policy],
    )
    assert all(weight.dtype == "float32" for weight in ours.weights)


def test_a_frozen_layer_keeps_its_statistics():
    ours, theirs = pair("float32", 4, 0)
    ours.trainable = theirs.trainable = False
    before = ours.get_weights()
    x = images((2, 4, 4, 4), 0)
    np.testing.assert_allclose(ours(x, training=True), theirs(x, training=True), rtol=1e-5)
    for old, new in zip(before, ours.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(("kind", "ulps"), [(tf.float32, 4), (tf.bfloat16, 0), (tf.float16, 0)])
def test_the_gradient_in_inference_is_the_kernel_s(kind, ulps):
    """By the input, whose gradient a detector with fixed statistics needs."""
    rng = np.random.default_rng(0)
    x, upstream = (tf.cast(rng.normal(size=(8, 9, 9, 16)), kind) for _ in range(2))
    scale, offset, mean, variance = (
        tf.constant(rng.uniform(0.5, 2, 16), tf.float32) for _ in range(4)
    )
    kernel = tf.raw_ops.FusedBatchNormGradV3(
        y_backprop=upstream,
        x=x,
        scale=scale,
        reserve_space_1=mean,
        reserve_space_2=variance,
        reserve_space_3=tf.zeros(0),
        epsilon=1e-5,
        is_training=False,
    )
    with tf.GradientTape() as tape:
        tape.watch([x, scale, offset])
        y = by_moving_statistics(x, scale, offset, mean, variance, 1e-5)
    ours = tape.gradient(y, [x, scale, offset], output_gradients=upstream)
    one, other = (tf.cast(each, tf.float32).numpy() for each in (ours[0], kernel.x_backprop))
    assert np.all(np.abs(one - other) <= ulps * np.spacing(np.abs(other)))
    np.testing.assert_allclose(ours[1], kernel.scale_backprop, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(ours[2], kernel.offset_backprop, rtol=1e-3, atol=1e-3)


def test_a_frozen_layer_needs_no_kernel_that_is_not_deterministic_on_a_gpu():
    layer = BatchNormalization()
    layer.build((None, 4, 4, 4))
    layer.trainable = False

    @tf.function
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        return tape.gradient(y, x)

    traced = gradient.get_concrete_function(tf.TensorSpec((2, 4, 4, 4), tf.float32))
    operations = {operation.type for operation in traced.graph.get_operations()}
    assert "FusedBatchNormV3" in operations
    assert "FusedBatchNormGradV3" not in operations


@pytest.mark.parametrize("shape", [(6, 4), (3, 5, 4)])
def test_what_the_kernel_does_not_compute_is_keras_s(shape):
    ours, theirs = pair("float32", 4, 0)
    ours = BatchNormalization()
    theirs = keras.layers.BatchNormalization()
    x = images(shape, 0)
    np.testing.assert_allclose(ours(x, training=True), theirs(x, training=True), rtol=1e-5)


def test_it_saves_and_loads_as_keras_s_own(tmp_path):
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, BatchNormalization(momentum=0.9, name="bn")(image))
    model(images((4, 8, 8, 3), 0), training=True)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(again.get_layer("bn"), BatchNormalization)
    x = images((4, 8, 8, 3), 1)
    np.testing.assert_array_equal(model(x), again(x))

    stock = keras.Model(image, keras.layers.BatchNormalization(momentum=0.9, name="bn")(image))
    model.save_weights(tmp_path / "one.weights.h5")
    stock.load_weights(tmp_path / "one.weights.h5")
    np.testing.assert_allclose(model(x), stock(x), rtol=1e-5, atol=1e-5)
    config = stock.get_layer("bn").get_config()
    assert model.get_layer("bn").get_config() == config

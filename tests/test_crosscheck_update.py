"""The update that crosscheck writes out for JAX."""

import keras
import numpy as np
import pytest

from benchmark.proof.crosscheck.case import spec_of
from benchmark.proof.crosscheck.jax_step import updated
from benchmark.spec import SgdSpec


def test_it_is_keras_s_with_the_decay_in_the_gradient():
    sgd, rng = spec_of("resnet8-A", 1, 50).optimizer, np.random.default_rng(0)
    assert sgd == SgdSpec(batch_size=50)  # The paper's: what is written out is no other form.
    weight = keras.Variable(rng.normal(size=5).astype(np.float32))
    theirs = keras.optimizers.SGD(0.1, momentum=sgd.momentum)
    theirs.build([weight])
    own, velocity = weight.numpy(), np.zeros(5, np.float32)
    for rate in (0.1, 0.1, 0.01):
        gradient = rng.normal(size=5).astype(np.float32)
        theirs.learning_rate = rate
        theirs.apply([gradient + sgd.weight_decay * weight.numpy()])
        own, velocity = updated(sgd, own, velocity, gradient, np.float32(rate))
        assert weight.numpy() == pytest.approx(own, rel=1e-5)
    assert np.abs(velocity).max() > 0.01

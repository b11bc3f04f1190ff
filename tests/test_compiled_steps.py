"""Steps that XLA compiles, loop and all; and the count of what they launch."""

import csv
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import config
from test_training import digests, tiny_spec, trained, trained_once

from benchmark.data.resident import STEPS_A_CALL_ON_A_GPU, ResidentImages
from benchmark.models.build import build_model
from benchmark.models.layers import MaxPooling
from benchmark.proof.speed import cross_compile
from benchmark.training.classification import CrossEntropy
from benchmark.training.loss_scale import LossScale
from benchmark.training.net import build_net
from benchmark.training.optimizers.sgd import Momentum
from benchmark.training.replicas import Replicas
from benchmark.training.step import TrainingSteps


def small_spec(**changes):
    """Of two stages, since XLA takes its time."""
    changes["model"] = {"stage_blocks": [1, 1], "stage_widths": [4, 8]} | changes.get("model", {})
    return tiny_spec(**changes)


class Net:
    """A tiny net with its steps, compiled."""

    def __init__(self, embedded, spec):
        keras.utils.set_random_seed(0)
        self.data = ResidentImages(spec.dataset, embedded)
        self.model = build_model(spec.model, (32, 32, 3), 10)
        self.optimizer = Momentum(spec.optimizer, self.model.trainable_weights)
        objective = CrossEntropy(self.model, [self.data])
        self.steps = TrainingSteps(
            objective, self.optimizer, LossScale(None), Replicas(1), xla=True
        )

    def train(self, rates):
        inputs = self.data.train_inputs(0, 50, 0, len(rates))
        return self.steps(tf.constant(rates, tf.float32), *inputs)

    def state(self):
        return [*self.model.get_weights(), *(each.numpy() for each in self.optimizer.velocities)]


def test_they_stop_after_a_loss_that_is_not_finite(embedded):
    spec = small_spec(model={"shortcut": "none", "batch_norm": None})
    rates = [0.1, 1e30, 0.1, 0.1, 0.1]
    all_, few = Net(embedded, spec), Net(embedded, spec)
    found = all_.train(rates)
    count = len(found.loss)
    assert 1 < count < len(rates)
    assert np.isfinite(found.loss).tolist() == [True] * (count - 1) + [False]
    assert len(few.train(rates[:count]).loss) == count
    for one, other in zip(all_.state(), few.state(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_of_no_steps_there_are_no_rows(embedded):
    net = Net(embedded, small_spec())
    before = net.state()
    found = net.train([])
    assert (found.loss.shape, found.counted["errors"].shape) == ((0,), (0,))
    assert found.gradient_norms.shape == (0, len(net.train([0.1]).gradient_norms[0]))
    assert any((a != b).any() for a, b in zip(before, net.state(), strict=True))


@pytest.mark.parametrize("steps", [1, 5])
def test_how_they_are_cut_into_calls_changes_no_weight(embedded, monkeypatch, steps):
    spec = small_spec(numerics={"xla": True})
    _, usual = trained_once(spec, embedded)
    monkeypatch.setattr(ResidentImages, "steps_a_call", steps)
    _, cut = trained(spec, embedded)
    assert digests(usual) == digests(cut)


def test_on_a_gpu_a_call_has_a_hundred_steps(embedded):
    spec = tiny_spec().dataset
    assert ResidentImages(spec, embedded, on_gpu=True).steps_a_call == STEPS_A_CALL_ON_A_GPU
    assert STEPS_A_CALL_ON_A_GPU >= 100
    assert ResidentImages(spec, embedded, on_gpu=False).steps_a_call == 10


def test_a_gpu_is_sent_an_epoch_at_a_time_the_same_order(embedded, monkeypatch):
    spec = tiny_spec(dataset={"train_per_class": 40}).dataset  # 400 images: 8 batches of 50.
    usual = ResidentImages(spec, embedded, on_gpu=False)
    ahead = ResidentImages(spec, embedded, on_gpu=True)
    sent, order = [], ahead._order

    def counted(*asked):
        sent.append(asked)
        return order(*asked)

    monkeypatch.setattr(ahead, "_order", counted)
    calls = [(0, 0, 3), (0, 3, 3), (0, 6, 2), (0, 8, 5), (0, 13, 1), (0, 2, 30), (0, 4, 2)]
    for seed, first, steps in [*calls, (1, 4, 2), (1, 0, 0)]:
        found = ahead.train_inputs(seed, 50, first, steps)
        expected = usual.train_inputs(seed, 50, first, steps)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)
    assert sent == [(0, 50, 0, 8), (0, 50, 8, 8), (0, 50, 2, 30), (1, 50, 4, 4), (1, 50, 0, 0)]


def test_batches_that_span_epochs_are_sent_once(embedded):
    spec = tiny_spec(dataset={"train_per_class": 40}).dataset
    usual, ahead = (ResidentImages(spec, embedded, on_gpu=on_gpu) for on_gpu in (False, True))
    for first in range(12):
        found, expected = (each.train_inputs(3, 96, first, 1) for each in (ahead, usual))
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.parametrize(("size", "stride"), [(3, 2), (2, 2), (3, 1)])
@pytest.mark.parametrize("shape", [(2, 8, 11, 3), (1, 9, 6, 2)])
def test_the_greatest_of_slices_is_max_pooling(size, stride, shape):
    rng = np.random.default_rng(0)
    x = tf.Variable(rng.permutation(np.prod(shape)).reshape(shape).astype(np.float32))
    own, kernel = MaxPooling(size, strides=stride), keras.layers.MaxPooling2D(size, strides=stride)
    own.by_slices = True
    found = []
    for layer in (own, kernel):
        with tf.GradientTape() as tape:
            pooled = layer(x)
            upstream = tf.reshape(tf.range(tf.size(pooled), dtype=tf.float32), pooled.shape)
            loss = tf.reduce_sum(pooled * upstream)
        found.append((pooled.numpy(), tape.gradient(loss, x).numpy()))
    for sliced, usual in zip(*found, strict=True):
        np.testing.assert_array_equal(sliced, usual)


@pytest.fixture
def determinism():
    tf.config.experimental.enable_op_determinism()
    yield
    config.disable_op_determinism()


PHOTOGRAPHS = {"classes": 5, "train_images": 40, "test_images": 10, "sha256": "0" * 64}


def photographs_spec(**numerics):
    net = {"stem": "imagenet", "block": "bottleneck", "stage_blocks": [1, 1]}
    return tiny_spec(
        dataset={"name": "few", "content": PHOTOGRAPHS, "crop_size": 64},
        model=net | {"stage_widths": [4, 8], "shortcut": "B"},
        optimizer={"batch_size": 8},
        numerics=numerics,
    )


class Pixels:
    """A ``Feed``'s part in the graph, for images as they are."""

    @staticmethod
    def train_batch(images, labels):
        return images, labels


def imagenet_steps(spec):
    """A step's own function, and the net that it trains."""
    keras.utils.set_random_seed(0)
    model = build_net(spec)
    optimizer = Momentum(spec.optimizer, model.trainable_weights)
    objective, scale = CrossEntropy(model, [Pixels()]), LossScale(None)
    steps = TrainingSteps(objective, optimizer, scale, Replicas(1), xla=spec.numerics.xla)
    images = np.random.default_rng(0).normal(size=(2, 8, 64, 64, 3)).astype(np.float32)
    labels = tf.constant(np.arange(16).reshape(2, 8) % 5, tf.int32)
    return model, lambda: steps(tf.constant([0.01, 0.01]), tf.constant(images), labels)


def test_the_imagenet_stem_compiles_under_determinism(determinism):
    _, compiled = imagenet_steps(photographs_spec(xla=True))
    _, usual = imagenet_steps(photographs_spec())
    found, expected = compiled(), usual()
    np.testing.assert_allclose(found.loss, expected.loss, rtol=1e-3)
    np.testing.assert_allclose(found.gradient_norms[0], expected.gradient_norms[0], rtol=1e-3)


def test_its_max_pooling_itself_does_not_compile_there(determinism):
    model, compiled = imagenet_steps(photographs_spec(xla=True))
    model.get_layer("stem_pool").by_slices = False
    with pytest.raises(tf.errors.OpError):
        compiled()


@pytest.mark.parametrize("xla", [True, False])
@pytest.mark.parametrize("deterministic", [True, False])
def test_it_pools_by_slices_where_both_are_asked_for_alone(xla, deterministic):
    net = build_net(photographs_spec(xla=xla, deterministic=deterministic))
    assert net.get_layer("stem_pool").by_slices == (xla and deterministic)


PROGRAM = """\
HloModule steps

%fused (p: f32[2]) -> f32[2] {
  %p = f32[2]{0} parameter(0)
  ROOT %n = f32[2]{0} negate(%p)
}

%buffer (q: f32[2]) -> f32[2] {
  %q = f32[2]{0} parameter(0)
  %a = f32[2]{0} fusion(%q), kind=kLoop, calls=%fused
  ROOT %b = (f32[2]{0}, u8[4]{0}) custom-call(%a), custom_call_target="__cudnn$convForward"
}

%body (s: (s32[], f32[2])) -> (s32[], f32[2]) {
  %s = (s32[], f32[2]{0}) parameter(0)
  %x = f32[2]{0} get-tuple-element(%s), index=1
  %c = f32[2]{0} call(%x), to_apply=%buffer
  %k = f32[2]{0} fusion(%c), kind=kInput, calls=%fused
  ROOT %t = (s32[], f32[2]{0}) tuple(%x, %k)
}

%condition (r: (s32[], f32[2])) -> pred[] {
  %r = (s32[], f32[2]{0}) parameter(0)
  ROOT %l = pred[] fusion(%r), kind=kLoop, calls=%fused
}

ENTRY %main (v: f32[2]) -> f32[2] {
  %v = f32[2]{0} parameter(0)
  %first = f32[2]{0} copy(%v)
  %w = (s32[], f32[2]{0}) while(%first), condition=%condition, body=%body
  ROOT %o = f32[2]{0} get-tuple-element(%w), index=1
}
"""


def test_what_a_loop_launches_is_counted_through_calls():
    program = cross_compile.computations(PROGRAM)
    body = cross_compile.loop_of(program)
    assert body == "body"
    assert cross_compile.launches(program, body) == {"fusion": 2, "custom-call": 1}
    assert cross_compile.launches(program, "ENTRY") == {"copy": 1, "fusion": 2, "custom-call": 1}


def test_resnet20_s_step_is_few_kernels_on_an_h100():
    """As counted by ``benchmark.proof.speed.kernels``, and committed."""
    rows = csv.DictReader(Path("results/reference/speed/kernels.csv").read_text().splitlines())
    kernels = {(row["net"], row["precision"]): int(row["kernels"]) for row in rows}
    assert 100 < kernels["ResNet-20", "float32"] <= 300

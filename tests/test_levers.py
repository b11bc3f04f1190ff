"""What makes training fast changes no number beyond rounding."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_training import tiny_spec, trained, trained_once

from benchmark.data.order import batches
from benchmark.data.resident import ResidentImages
from benchmark.evaluation.views import single as single_view
from benchmark.models import layers
from benchmark.models.build import build_model
from benchmark.models.folding import inference_model
from benchmark.proof.speed.keras_fit import SlicedShortcut
from benchmark.spec import ResNetSpec
from benchmark.training import classification
from benchmark.training.loss_scale import GROWTH_STEPS, LossScale

STEPS = 20


@pytest.fixture(autouse=True)
def float32_policy():
    yield
    keras.config.set_dtype_policy("float32")


def twenty_steps(**changes):
    """On 500 images, so that it is reported after 10 steps, and after 20."""
    return tiny_spec(
        dataset={"train_per_class": 50},
        optimizer={"batch_size": 50},
        schedule={"iterations": STEPS, "learning_rate": 0.02, "drops": []},
        **changes,
    )


def losses(events):
    rows = [event for event in events if event["event"] == "epoch"]
    return np.array([[row["train_loss"], row["test_loss"]] for row in rows])


def same_within(first, second, tolerance):
    assert len(first) == 2 and first[0, 0] > first[1, 0]
    np.testing.assert_allclose(first, second, rtol=tolerance)


@pytest.mark.parametrize(
    ("lever", "plain", "precision", "tolerance"),
    [
        ("BatchNormalization", keras.layers.BatchNormalization, "float32", 2e-3),
        ("BatchNormalization", keras.layers.BatchNormalization, "mixed_bfloat16", 2e-2),
        ("ZeroPadShortcut", SlicedShortcut, "float32", 0),
    ],
)
def test_a_layer_trains_as_its_plain_form(
    embedded, monkeypatch, lever, plain, precision, tolerance
):
    spec, own = twenty_steps(numerics={"precision": precision}), getattr(layers, lever)
    ours, fast = trained_once(spec, embedded)
    monkeypatch.setattr(layers, lever, plain)
    monkeypatch.setattr(f"benchmark.models.resnet.net.{lever}", plain, raising=False)
    theirs, slow = trained(spec, embedded)
    kinds = [{type(layer) for layer in run.task.model.layers} for run in (ours, theirs)]
    assert own in kinds[0] and plain not in kinds[0]
    assert plain in kinds[1] and own not in kinds[1]
    same_within(losses(fast), losses(slow), tolerance)


def test_xla_trains_as_without(embedded):
    _, usual = trained_once(twenty_steps(), embedded)
    _, compiled = trained(twenty_steps(numerics={"xla": True}), embedded)
    assert usual[-1] != compiled[-1]  # Other bits: it was compiled.
    same_within(losses(usual), losses(compiled), 2e-3)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_scoring_with_folded_batch_normalisation(embedded, monkeypatch, precision):
    spec, folded = twenty_steps(numerics={"precision": precision}), []
    monkeypatch.setattr(
        single_view, "inference_model", lambda *args: folded.append(args) or inference_model(*args)
    )
    _, fast = trained(spec, embedded)
    assert len(folded) == 1
    monkeypatch.setattr(classification, "scorer_of", unfolded)
    _, slow = trained(spec, embedded)
    same_within(losses(fast), losses(slow), 1e-5 if precision == "float32" else 2e-2)
    assert losses(fast)[:, 0].tolist() == losses(slow)[:, 0].tolist()  # Training is untouched.


def unfolded(spec, model, data):
    score = single_view.scorer(model, data, "test", spec.evaluation.batch_size)
    return lambda split: {"test": score}[split]()


@pytest.mark.parametrize("fields", [{"shortcut": "A"}, {"shortcut": "C", "conv_bias": True}])
def test_a_folded_net_has_the_logits_of_its_model(fields):
    spec = ResNetSpec(stem="cifar", depth=8, **fields)
    model = build_model(spec, (32, 32, 3), 10)
    rng = np.random.default_rng(0)
    model.set_weights([w + rng.uniform(0.1, 1, w.shape) for w in model.get_weights()])
    images = rng.normal(size=(4, 32, 32, 3)).astype(np.float32)
    folded, take_over = inference_model(spec, model, (32, 32, 3), 10)
    assert not np.allclose(folded(images), model(images, training=False), rtol=1e-2)
    take_over()
    wanted = np.asarray(model(images, training=False))
    np.testing.assert_allclose(folded(images), wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max())


def test_float16_trains_as_float32(embedded):
    numerics = {"precision": "mixed_float16"}
    _, usual = trained_once(twenty_steps(), embedded)
    _, half = trained(twenty_steps(numerics=numerics), embedded)
    same_within(losses(usual), losses(half), 2e-2)
    row = next(event for event in half if event["event"] == "epoch")
    assert row["loss_scale"] == 32768 and row["skipped_steps"] == 0
    norms = [
        next(e for e in run if e["event"] == "epoch")["gradient_norm"] for run in (usual, half)
    ]
    assert norms[1] == pytest.approx(norms[0], rel=0.02)  # The scale is taken out again.


def test_float16_trains_on_two_replicas(embedded):
    numerics = {"precision": "mixed_float16", "replicas": 2}
    result, half = trained(twenty_steps(numerics=numerics), embedded)
    row = next(event for event in half if event["event"] == "epoch")
    assert result.status == "finished" and row["loss_scale"] == 32768


def test_a_step_that_overflows_is_skipped_and_halves_the_scale(embedded):
    numerics = {"precision": "mixed_float16", "loss_scale": 2.0**40}
    result, events = trained(
        tiny_spec(numerics=numerics, schedule={"iterations": 3, "drops": []}), embedded
    )
    row = next(event for event in events if event["event"] == "epoch")
    assert result.status == "diverged"  # Not one step was taken.
    assert row["skipped_steps"] == 3 and row["loss_scale"] == 2.0**37
    assert row["gradient_norm"] == 0
    trainable = [w for w in result.task.model.trainable_weights if w.name == "gamma"]
    assert all((gamma.numpy() == 1).all() for gamma in trainable)  # Nothing has moved.


def test_the_scale_doubles_after_enough_good_steps():
    scale = LossScale(8.0)
    scale.good_steps.assign(GROWTH_STEPS - 1)
    scale.update(tf.constant(True))
    assert (float(scale.scale), int(scale.good_steps)) == (16.0, 0)
    scale.update(tf.constant(False))
    assert (float(scale.scale), int(scale.good_steps)) == (8.0, 0)
    for _ in range(5):
        scale.update(tf.constant(False))
    assert float(scale.scale) == 1.0  # Never below.


IN_A_PROCESS = """
import json, sys
from benchmark.worker.environment import load_libraries
load_libraries()
import tensorflow as tf
from benchmark.data import cifar10
from benchmark.spec import RunSpec
from benchmark.training import loop, process

spec, inter_op, events = RunSpec.model_validate_json(sys.argv[1]), int(sys.argv[2]), []
process.configure(spec.numerics, spec.seed)
if inter_op:
    tf.config.threading.set_inter_op_parallelism_threads(inter_op)
trained = loop.train(spec, cifar10.load("cifar10-subset"), events.append)
weights = {w.path: w.numpy().astype(float).tolist() for w in trained.task.model.weights}
devices = sorted({d.name for d in tf.config.list_logical_devices()})
tensor_float_32 = tf.config.experimental.tensor_float_32_execution_enabled()
found = {"events": events, "weights": weights, "devices": devices}
print(json.dumps(found | {"tensor_float_32": tensor_float_32}))
"""


def in_a_process(spec, inter_op=0):
    done = subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS, spec.model_dump_json(), str(inter_op)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_operations_side_by_side_give_the_same_bits():
    one, two = (in_a_process(twenty_steps(), inter_op) for inter_op in (1, 2))
    assert one["weights"] == two["weights"]
    assert not one["tensor_float_32"]


def test_tensorfloat32_is_allowed_where_it_is_stated():
    """A CPU has none, so that a run there is one of float32."""
    spec = tiny_spec(schedule={"iterations": 1, "drops": []})
    numerics = {"precision": "tensorfloat32"}
    other = tiny_spec(schedule={"iterations": 1, "drops": []}, numerics=numerics)
    assert spec.digest() != other.digest()
    usual, rounded = in_a_process(spec), in_a_process(other)
    assert (usual["tensor_float_32"], rounded["tensor_float_32"]) == (False, True)
    if not any("GPU" in device for device in rounded["devices"]):
        assert usual["weights"] == rounded["weights"]


@pytest.mark.parametrize(("steps", "tolerance"), [(1, 1e-5), (STEPS, 2e-3)])
def test_two_replicas_take_half_a_batch_each(embedded, steps, tolerance):
    """On two logical devices, against the mean gradient of the two halves of each batch."""
    spec = tiny_spec(
        optimizer={"batch_size": 64, "weight_decay": 0.0},
        schedule={"iterations": steps, "learning_rate": 0.02, "drops": []},
        numerics={"replicas": 2, "threads": 2},
    )
    got = in_a_process(spec)
    assert len([name for name in got["devices"] if "CPU" in name]) == 2
    model, loss, error = in_halves(spec, embedded)
    row = next(event for event in got["events"] if event["event"] == "epoch")
    assert row["train_loss"] == pytest.approx(loss, rel=tolerance)
    assert row["train_error_percent"] == pytest.approx(error, abs=0 if steps == 1 else 0.5)
    if steps == 1:  # Moving statistics, those of the first half, included.
        for weight in model.weights:
            np.testing.assert_allclose(
                got["weights"][weight.path], weight.numpy(), rtol=1e-4, atol=1e-6
            )


def in_halves(spec, embedded):
    """Train on one device by Keras's SGD. Returns the model, its mean loss and error in percent."""
    keras.utils.set_random_seed(spec.seed)
    model = build_model(spec.model, (32, 32, 3), 10)
    sgd = keras.optimizers.SGD(spec.schedule.learning_rate, spec.optimizer.momentum)
    data, size = ResidentImages(spec.dataset, embedded), spec.optimizer.batch_size
    order = batches(spec.seed, 0, spec.schedule.iterations, size, 5000)
    losses, wrong = [], 0
    for indices, crops in zip(*order, strict=True):
        gradients, statistics = [], []
        before = [weight.numpy() for weight in model.non_trainable_weights]
        for half in (slice(0, size // 2), slice(size // 2, size)):
            images, labels = data.train_batch(tf.constant(indices[half]), tf.constant(crops[half]))
            for weight, value in zip(model.non_trainable_weights, before, strict=True):
                weight.assign(value)
            with tf.GradientTape() as tape:
                logits = model(images, training=True)
                each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
                loss = tf.reduce_mean(each)
            gradients.append(tape.gradient(loss, [w.value for w in model.trainable_weights]))
            statistics.append([weight.numpy() for weight in model.non_trainable_weights])
            losses.append(float(loss))
            wrong += int(np.sum(np.argmax(logits, 1) != labels.numpy()))
        for weight, value in zip(model.non_trainable_weights, statistics[0], strict=True):
            weight.assign(value)
        means = [(first + second) / 2 for first, second in zip(*gradients, strict=True)]
        sgd.apply(means, model.trainable_weights)
    return model, np.mean(losses), 100 * wrong / (size * len(losses) / 2)

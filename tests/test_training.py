import dataclasses
import json
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmark.data.order import batches
from benchmark.data.resident import ResidentImages
from benchmark.spec import (
    CosineSchedule,
    DiagnosticsSpec,
    PiecewiseSchedule,
    PlateauSchedule,
    RunSpec,
    SgdSpec,
    WarmupSpec,
)
from benchmark.training import loop
from benchmark.training.optimizers.sgd import Momentum
from benchmark.training.schedule import Plateaus, Warmup, learning_rate
from benchmark.training.state import State
from benchmark.training.totals import Totals


def tiny_spec(**changes):
    """A net of two stages with few filters, for a few iterations on the embedded images."""
    data = {
        "dataset": {"name": "cifar10-subset"},
        "model": {
            "stem": "cifar",
            "block": "basic",
            "stage_blocks": [1, 1],
            "stage_widths": [4, 8],
            "shortcut": "A",
        },
        "optimizer": {"batch_size": 50},
        "schedule": {"iterations": 12},
        "evaluation": {"batch_size": 500},
        "seed": 1,
    }
    for part, fields in changes.items():
        data[part] = {**data.get(part, {}), **fields} if isinstance(fields, dict) else fields
    return RunSpec.model_validate(data)


@pytest.fixture(autouse=True)
def float32_policy():
    yield
    keras.config.set_dtype_policy("float32")


def trained(spec, images, **how):
    """Train in this process. Returns how it ended and its events but for times."""
    events = []
    keras.config.set_dtype_policy(spec.numerics.precision)
    keras.utils.set_random_seed(spec.seed)
    result = loop.train(spec, images, events.append, **how)
    timings = ("time", "images_per_s")
    untimed = [
        {key: value for key, value in event.items() if not any(t in key for t in timings)}
        for event in events
    ]
    return result, untimed


_ONCE = {}


def trained_once(spec, images):
    """``trained`` in one go, once for all tests of this process that compare with it."""
    key = (spec.model_dump_json(), id(images))  # An id leaves out what is only measured.
    if key not in _ONCE:
        _ONCE[key] = trained(spec, images)
    return _ONCE[key]


def digests(events):
    return events[0]["initial_weights_sha256"], events[-1]["final_weights_sha256"]


@pytest.mark.parametrize("form", ["caffe", "torch"])
@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("decay_form", ["coupled", "decoupled"])
@pytest.mark.parametrize("scope", ["convolutions", "kernels", "all"])
def test_the_update_is_the_stated_one(form, nesterov, decay_form, scope):
    rng = np.random.default_rng(0)
    m, wd, rates = 0.9, 0.01, [0.1, 0.1, 0.01, 0.01]
    spec = SgdSpec(
        momentum=m,
        nesterov=nesterov,
        momentum_form=form,
        weight_decay=wd,
        weight_decay_form=decay_form,
        weight_decay_scope=scope,
    )
    start = {
        "convolution": rng.normal(size=(1, 1, 3, 2)),
        "classifier": rng.normal(size=(3, 2)),
        "bias": rng.normal(size=(2,)),
    }
    variables = [
        keras.Variable(value.astype(np.float32), name="bias" if name == "bias" else "kernel")
        for name, value in start.items()
    ]
    decayed = {
        "convolutions": {"convolution"},
        "kernels": {"convolution", "classifier"},
        "all": {*start},
    }[scope]
    optimizer = Momentum(spec, variables)
    expected = {name: value.copy() for name, value in start.items()}
    velocity = {name: np.zeros_like(value) for name, value in start.items()}
    for rate in rates:
        gradients = {name: rng.normal(size=value.shape) for name, value in start.items()}
        optimizer.apply(
            [tf.constant(g, tf.float32) for g in gradients.values()], tf.constant(rate, tf.float32)
        )
        for name, g in gradients.items():
            decays = name in decayed
            if decays and decay_form == "coupled":
                g = g + wd * expected[name]
            elif decays:
                expected[name] -= rate * wd * expected[name]
            if form == "caffe":
                velocity[name] = m * velocity[name] + rate * g
                step = m * velocity[name] + rate * g if nesterov else velocity[name]
            else:
                velocity[name] = m * velocity[name] + g
                step = rate * (m * velocity[name] + g if nesterov else velocity[name])
            expected[name] = expected[name] - step
    for variable, value in zip(variables, expected.values(), strict=True):
        np.testing.assert_allclose(variable.numpy(), value, rtol=2e-5, atol=1e-6)


def test_a_run_equals_a_plain_keras_loop(embedded):
    """Keras's own SGD, with the penalty wd/2 |w|^2 in the loss, on the same batches."""
    spec = tiny_spec(
        optimizer={"batch_size": 50, "weight_decay": 0.05},
        schedule={"iterations": 4, "drops": [2]},
    )
    result, _ = trained(spec, embedded)

    keras.utils.set_random_seed(spec.seed)
    from benchmark.models.build import build_model

    model = build_model(spec.model, (32, 32, 3), 10)
    data = ResidentImages(spec.dataset, embedded)
    sgd = keras.optimizers.SGD(learning_rate=0.1, momentum=0.9)
    for iteration in range(4):
        sgd.learning_rate = 0.1 if iteration < 2 else 0.01
        indices, crops = batches(spec.seed, iteration, 1, 50, 5000)
        images, labels = data.train_batch(tf.constant(indices[0]), tf.constant(crops[0]))
        with tf.GradientTape() as tape:
            logits = model(images, training=True)
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits)
            penalty = tf.add_n([tf.reduce_sum(w.value**2) for w in model.trainable_weights])
            total = loss + 0.05 / 2 * penalty
        weights = model.trainable_weights
        sgd.apply(tape.gradient(total, [w.value for w in weights]), weights)
    for ours, theirs in zip(result.task.model.weights, model.weights, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-3, atol=1e-4)


def test_a_run_is_a_pure_function_of_its_spec(embedded):
    _, first = trained_once(tiny_spec(), embedded)
    _, again = trained(tiny_spec(), embedded)
    _, other = trained(tiny_spec(seed=2), embedded)
    assert first == again
    assert digests(first)[0] != digests(other)[0]
    assert digests(first)[1] != digests(other)[1]


@pytest.mark.parametrize("steps", [1, 7, 100])
def test_how_steps_are_cut_into_calls_changes_no_weight(embedded, monkeypatch, steps):
    spec = tiny_spec(schedule={"iterations": 50})
    _, usual = trained_once(spec, embedded)
    monkeypatch.setattr(ResidentImages, "steps_a_call", steps)
    _, cut = trained(spec, embedded)
    assert digests(usual) == digests(cut)


def test_the_clock_is_read_when_all_sums_have_left_tensorflow(embedded, monkeypatch):
    """A tensor may still be being computed; a NumPy array cannot."""
    kinds, add = set(), Totals.add

    def watched(self, steps, seconds):
        kinds.update(type(part) for part in tf.nest.flatten(steps))
        add(self, steps, seconds)

    monkeypatch.setattr(Totals, "add", watched)
    trained(tiny_spec(), embedded)
    assert kinds == {np.ndarray}


def test_rows_of_epochs(embedded):
    spec = tiny_spec(
        optimizer={"batch_size": 640},
        schedule={"iterations": 20, "drops": [10]},
        evaluation={"every_epochs": 2},
    )
    _, events = trained(spec, embedded)
    rows = [event for event in events if event["event"] == "epoch"]
    # 5000 / 640 = 7.8125 iterations an epoch: 20 iterations are 2.56, so 3 rows.
    assert [row["iteration"] for row in rows] == [8, 16, 20]
    assert [row["learning_rate"] for row in rows] == [0.1, 0.01, 0.01]
    assert ["test_error_percent" in row for row in rows] == [False, True, True]
    for row in rows:
        assert 0 < row["train_error_percent"] <= 100
        assert row["train_loss"] > 0
    steps = [event["iteration"] for event in events if event["event"] == "progress"]
    assert steps[-1] == 20 and steps == sorted(steps)
    assert events[-1]["event"] == "end" and events[-1]["status"] == "finished"


def test_up_to_the_first_drop_a_short_run_is_the_beginning_of_a_long_one(embedded):
    """Claims on the beginning are judged by such runs."""
    short, long = (
        tiny_spec(
            optimizer={"batch_size": 640},
            schedule=schedule,
            evaluation={"every_epochs": 2},
            diagnostics={"iterations": [0, 5, 14]},
        )
        for schedule in ({"iterations": 24, "drops": [16]}, {"iterations": 32, "drops": []})
    )
    rows = [
        [event for event in trained(spec, embedded)[1] if event["event"] == "epoch"]
        for spec in (short, long)
    ]
    (first, second, third), (also_first, also_second, other, _) = rows
    assert (first, second) == (also_first, also_second) and third != other
    assert {"0", "5"} <= set(first["layers"]) and "14" in second["layers"]


def test_gradient_norms_are_those_of_the_loss_alone(embedded):
    spec = tiny_spec(schedule={"iterations": 1, "drops": []})
    _, events = trained(spec, embedded)
    row = next(event for event in events if event["event"] == "epoch")

    keras.utils.set_random_seed(spec.seed)
    from benchmark.models.build import build_model

    model = build_model(spec.model, (32, 32, 3), 10)
    data = ResidentImages(spec.dataset, embedded)
    indices, crops = batches(spec.seed, 0, 1, 50, 5000)
    images, labels = data.train_batch(tf.constant(indices[0]), tf.constant(crops[0]))
    with tf.GradientTape() as tape:
        logits = model(images, training=True)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        loss = tf.reduce_mean(losses)
    values = [weight.value for weight in model.trainable_weights]
    gradients = tape.gradient(loss, values)
    norms = {
        weight.path.removesuffix("/kernel"): float(tf.norm(gradient))
        for weight, gradient in zip(model.trainable_weights, gradients, strict=True)
        if weight.name == "kernel"
    }
    assert row["gradient_norms"] == pytest.approx(norms, rel=1e-4)
    assert row["gradient_norm"] == pytest.approx(float(tf.linalg.global_norm(gradients)), rel=1e-4)
    assert next(iter(row["gradient_norms"])) == "stem_conv"
    assert row["train_loss"] == pytest.approx(float(loss), rel=1e-5)
    wrong = 100 * np.mean(np.argmax(logits, 1) != labels.numpy())
    assert row["train_error_percent"] == pytest.approx(wrong)


def test_a_vanishing_gradient_is_not_told_as_zero(embedded):
    spec = tiny_spec(
        model={
            "stage_blocks": [3, 3, 3],
            "stage_widths": [4, 8, 16],
            "shortcut": "none",
            "batch_norm": None,
            "initializer": "gaussian",
            "initializer_stddev": 0.01,
        },
        schedule={"iterations": 1, "drops": []},
    )
    row = next(e for e in trained(spec, embedded)[1] if e["event"] == "epoch")
    assert 0 < row["gradient_norms"]["stem_conv"] < 1e-20  # Its square is no float32.


def layers_of(events):
    found = [event["layers"] for event in events if "layers" in event]
    return {int(at): layer for each in found for at, layer in each.items()}


def test_layers_are_diagnosed_where_asked_and_nothing_else_changes(embedded):
    spec = tiny_spec(
        model={"dropout_rate": 0.2},
        dataset={"train_per_class": 50},
        optimizer={"batch_size": 50},
        schedule={"iterations": 25},
        diagnostics={"iterations": [0, 13, 24, 25]},
    )
    result, events = trained(spec, embedded)
    _, without = trained(spec.model_copy(update={"diagnostics": DiagnosticsSpec()}), embedded)
    assert digests(events) == digests(without)
    rows, others = ([e for e in es if e["event"] == "epoch"] for es in (events, without))
    for row, other in zip(rows, others, strict=True):
        standard = {at: row["layers"][at] for at in other["layers"]}
        assert row | {"layers": standard} == other
    assert [list(row["layers"]) for row in rows] == [
        ["0", "1", "2", "5"],
        ["10", "13", "20", "24", "25"],
    ]
    assert [list(row["layers"]) for row in others] == [
        ["0", "1", "2", "5"],
        ["10", "20", "25"],
    ]

    found = layers_of(events)
    assert "gradient_norms" not in found[25]
    assert list(found[0]["gradient_norms"])[::4] == ["stem_conv", "stage2_block1_conv2"]
    assert list(found[0]["response_stds"])[-1] == "stage2_block1_conv2"
    # Batch normalisation begins with a scale of 1.
    assert list(found[0]["response_stds"].values()) == pytest.approx([1.0] * 5, abs=0.01)

    names = [f"{name.replace('conv', 'bn')}" for name in found[25]["response_stds"]]
    data = ResidentImages(spec.dataset, embedded)
    inner = keras.Model(
        result.task.model.input, [result.task.model.get_layer(n).output for n in names]
    )
    outputs = inner(data.scored_batch("test", 0, 500)[0], training=True)
    stds = [float(np.std(output)) for output in outputs]
    assert list(found[25]["response_stds"].values()) == pytest.approx(stds, rel=1e-4)


def test_responses_without_batch_normalisation_are_those_of_the_convolutions(embedded):
    spec = tiny_spec(
        model={"batch_norm": None, "initializer": "gaussian", "initializer_stddev": 0.01},
        schedule={"iterations": 1, "drops": []},
        diagnostics={"iterations": [0]},
    )
    stds = list(layers_of(trained(spec, embedded)[1])[0]["response_stds"].values())
    assert stds[0] < 0.1 and stds[-2] < stds[0]  # They vanish.


def test_a_resumed_run_has_the_same_diagnoses(embedded):
    spec = tiny_spec(
        dataset={"train_per_class": 50},
        optimizer={"batch_size": 50},
        schedule={"iterations": 20},
        diagnostics={"iterations": [0, 10, 14, 20]},
    )
    kept = []
    _, whole = trained(spec, embedded, keep=kept.append)
    assert [state.counters["iteration"] for state in kept] == [10]
    stops = iter([False, True])
    trained(spec, embedded, keep=kept.append, stop=lambda: next(stops))
    assert kept[-1].counters["totals"]["layers"].keys() == {"0"}
    for state in kept:
        state = State(json.loads(json.dumps(state.counters)), state.arrays)
        _, rest = trained(spec, embedded, resume=state)
        rows = [event for event in rest if event["event"] == "epoch"]
        assert rows == [e for e in whole if e["event"] == "epoch"][-len(rows) :]


def test_a_loss_that_is_not_finite_ends_the_run_as_diverged(embedded):
    spec = tiny_spec(model={"batch_norm": None}, schedule={"iterations": 200, "learning_rate": 1e6})
    result, events = trained(spec, embedded)
    assert result.status == "diverged"
    assert events[-1]["status"] == "diverged"
    assert events[-1]["iteration"] < 20
    assert not math.isfinite(events[-2]["train_loss"])


def test_training_lowers_the_error(embedded):
    spec = tiny_spec(
        model={"stage_widths": [16, 32]},
        optimizer={"batch_size": 100},
        schedule={"iterations": 60},
    )
    _, events = trained(spec, embedded)
    row = [event for event in events if event["event"] == "epoch"][-1]
    assert row["test_error_percent"] < 75  # Chance is 90.


def test_bfloat16_trains_alike(embedded):
    short = {"schedule": {"iterations": 3}, "optimizer": {"batch_size": 100}}
    _, usual = trained(tiny_spec(**short), embedded)
    _, other = trained(tiny_spec(**short, numerics={"precision": "mixed_bfloat16"}), embedded)
    losses = [
        next(event for event in events if event["event"] == "epoch")["train_loss"]
        for events in (usual, other)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)
    assert digests(usual)[0] == digests(other)[0]


def test_images_held_out_are_scored_as_well(embedded):
    """As a test split of the same images would be, with the same net."""
    spec = tiny_spec(dataset={"held_out_images": 1000}, schedule={"iterations": 2})
    _, events = trained(spec, embedded)
    row = next(event for event in events if event["event"] == "epoch")
    images = dataclasses.replace(
        embedded,
        test_images=embedded.train_images[4000:],
        test_labels=embedded.train_labels[4000:],
    )
    _, events = trained(spec, images)
    other = next(event for event in events if event["event"] == "epoch")
    assert other["weights_sha256"] == row["weights_sha256"]
    for name in ("loss", "error_percent"):
        assert row[f"validation_{name}"] == other[f"test_{name}"] != row[f"test_{name}"]
    _, events = trained(tiny_spec(schedule={"iterations": 2}), embedded)
    row = next(event for event in events if event["event"] == "epoch")
    assert "test_loss" in row and "validation_loss" not in row


def test_piecewise_rates_of_the_paper():
    spec = PiecewiseSchedule()
    wanted = {0: 0.1, 31_999: 0.1, 32_000: 0.01, 47_999: 0.01, 48_000: 0.001, 63_999: 0.001}
    assert {i: learning_rate(spec, i) for i in wanted} == wanted


def test_cosine_goes_from_the_rate_to_nothing():
    spec = CosineSchedule(iterations=100, learning_rate=0.2)
    assert learning_rate(spec, 0) == 0.2
    assert learning_rate(spec, 50) == pytest.approx(0.1)
    assert 0 < learning_rate(spec, 99) < 0.001


def test_the_warmup_ends_with_the_first_window_below_its_bound():
    spec = PiecewiseSchedule(
        warmup=WarmupSpec(until_train_error_percent=80.0, window_iterations=10)
    )
    warmup = Warmup.of(spec)
    assert learning_rate(spec, 0, warming_up=warmup.active) == 0.01
    warmup.observe(errors=850, images=1000, iteration=10)
    assert warmup.active
    warmup.observe(errors=350, images=500, iteration=15)  # In the middle of a window.
    assert warmup.active and warmup.steps_until_judged(15) == 5
    warmup.observe(errors=449, images=500, iteration=20)  # 79.9 % over the window.
    assert not warmup.active and warmup.steps_until_judged(20) is None
    assert learning_rate(spec, 20, warming_up=warmup.active) == 0.1


@pytest.mark.parametrize(
    ("bound", "rates"),
    [(100.0, [0.01, 0.1, 0.1, 0.1]), (1.0, [0.01] * 4)],
    ids=["met at the first window's end", "never met"],
)
def test_a_run_with_a_warmup_uses_both_rates(embedded, bound, rates):
    spec = tiny_spec(
        optimizer={"batch_size": 1000},
        schedule={
            "iterations": 20,
            "drops": [],
            "warmup": {
                "learning_rate": 0.01,
                "until_train_error_percent": bound,
                "window_iterations": 7,
            },
        },
    )
    _, events = trained(spec, embedded)
    assert [event["learning_rate"] for event in events if event["event"] == "epoch"] == rates
    stops = [event["iteration"] for event in events if event["event"] == "progress"]
    # The epoch's end at 5 and the window's at 7, where the rate may change; at 0, 1, 2 and 5 layers
    # are measured, each with the step that follows.
    assert stops[:6] == [1, 2, 3, 5, 6, 7]


def test_the_rate_drops_where_the_error_has_reached_a_plateau():
    spec = PlateauSchedule(patience=2, threshold_percent=1.0, max_drops=2)
    plateaus, rates = Plateaus(spec), []
    #        best  no    best  no    no    no    no    no    no
    for e in (50.0, 49.5, 40.0, 39.0, 41.0, 39.1, 39.2, 80.0, 80.0):
        plateaus.observe(e)
        rates.append(learning_rate(spec, 7, plateaus=plateaus.reached))
        plateaus.restore(json.loads(json.dumps(plateaus.as_json())))
    assert rates == [0.1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001, 0.001]


@pytest.mark.parametrize("of", ["train", "test"])
def test_a_plateau_outlives_an_interruption(embedded, of):
    spec = tiny_spec(
        dataset={"train_per_class": 50},
        optimizer={"batch_size": 100},
        schedule={
            "iterations": 30,
            "kind": "plateau",
            "of": of,
            "patience": 1,
            "threshold_percent": 100.0,
        },
    )
    states = []
    _, events = trained(spec, embedded, keep=states.append)
    rows = [event for event in events if event["event"] == "epoch"]
    assert [row["learning_rate"] for row in rows] == [0.1, 0.1, 0.01, 0.001, 0.0001, 0.0001]
    _, after = trained(spec, embedded, resume=states[2])
    assert digests(after)[1] == digests(events)[1]

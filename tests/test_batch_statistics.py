"""Batch normalisation's statistics, taken again when a training is over."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_training import float32_policy, tiny_spec, trained  # noqa: F401

from benchmark.data.order import batches
from benchmark.data.resident import ResidentImages
from benchmark.models.batch_norm import BatchNormalization
from benchmark.training.weights import weight_arrays

COUNT, ITERATIONS, SIZE = 3, 18, 500


def spec_of(statistics, **changes):
    norm = {"statistics": statistics, "momentum": 0.5}
    if statistics == "recomputed":
        norm["statistics_batches"] = COUNT
    return tiny_spec(
        model={"batch_norm": norm},
        optimizer={"batch_size": SIZE},
        schedule={"iterations": ITERATIONS, "drops": []},
        **changes,
    )


def rows_of(events):
    return [event for event in events if event["event"] == "epoch"]


@pytest.fixture(scope="module")
def both(embedded):
    return {kind: trained(spec_of(kind), embedded) for kind in ("moving", "recomputed")}


def test_they_are_averages_over_batches_of_the_trained_net(embedded, both):
    """Against NumPy: of what comes to each layer in a batch, the mean and the biased variance; of
    the batches, the mean of means and the variance of all pixels together."""
    result, _ = both["recomputed"]
    model, spec = result.task.model, spec_of("recomputed")
    layers = [layer for layer in model.layers if isinstance(layer, BatchNormalization)]
    found = [(layer.moving_mean.numpy(), layer.moving_variance.numpy()) for layer in layers]
    before = keras.Model(model.input, [layer.input for layer in layers])
    data = ResidentImages(spec.dataset, embedded)
    order = batches(spec.seed, ITERATIONS, COUNT, SIZE, 5000)  # Those that would come next.
    sums = [[0.0, 0.0] for _ in layers]
    for indices, crops in zip(*order, strict=True):
        images, _ = data.train_batch(tf.constant(indices), tf.constant(crops))
        for at, output in enumerate(before(images, training=True)):
            pixels = np.asarray(output, np.float64)
            sums[at][0] += pixels.mean((0, 1, 2)) / COUNT
            sums[at][1] += (pixels**2).mean((0, 1, 2)) / COUNT
    assert len(layers) == 5
    for (mean, variance), (wanted, squares) in zip(found, sums, strict=True):
        np.testing.assert_allclose(mean, wanted, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(variance, squares - wanted**2, rtol=1e-3, atol=1e-6)


def test_nothing_else_of_the_training_changes(both):
    (moving, usual), (recomputed, other) = both["moving"], both["recomputed"]
    arrays = [weight_arrays(result.task.model) for result in (moving, recomputed)]
    differ = {name for name in arrays[0] if not np.array_equal(arrays[0][name], arrays[1][name])}
    assert differ == {name for name in arrays[0] if "moving" in name}
    rows = rows_of(usual), rows_of(other)
    assert [row["iteration"] for row in rows[0]] == [10, 18]
    assert rows[0][0] == rows[1][0]  # Until then, moving ones.
    for name in ("train_loss", "gradient_norms", "learning_rate"):
        assert rows[0][1][name] == rows[1][1][name]
    assert rows[0][1]["weights_sha256"] != rows[1][1]["weights_sha256"]


@pytest.mark.parametrize("kind", ["moving", "recomputed"])
def test_the_last_score_is_by_them(embedded, both, kind):
    result, events = both[kind]
    data = ResidentImages(spec_of(kind).dataset, embedded)
    images, labels = data.scored_batch("test", 0, 1000)
    logits = result.task.model(images, training=False)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    row = rows_of(events)[-1]
    assert row["test_loss"] == pytest.approx(float(tf.reduce_mean(losses)), rel=1e-4)
    other = rows_of(both["moving" if kind == "recomputed" else "recomputed"][1])[-1]
    assert abs(row["test_loss"] - other["test_loss"]) > 1e-3


def test_a_resumed_run_has_the_same_ones(embedded, both):
    _, whole = both["recomputed"]
    kept = []
    stops = iter([False] * 5 + [True])
    trained(spec_of("recomputed"), embedded, keep=kept.append, stop=lambda: next(stops))
    at = [state.counters["iteration"] for state in kept]
    assert ITERATIONS > at[-1] > 0
    _, rest = trained(spec_of("recomputed"), embedded, resume=kept[-1])
    assert rest[-1]["final_weights_sha256"] == whole[-1]["final_weights_sha256"]
    assert rows_of(rest)[-1] == rows_of(whole)[-1]


def test_more_batches_are_other_statistics(embedded, both):
    spec = spec_of("recomputed")
    norm = spec.model.batch_norm.model_copy(update={"statistics_batches": COUNT + 1})
    model = spec.model.model_copy(update={"batch_norm": norm})
    _, events = trained(spec.model_copy(update={"model": model}), embedded)
    whole = both["recomputed"][1]
    assert events[-1]["final_weights_sha256"] != whole[-1]["final_weights_sha256"]

"""Finished runs tested by the paper's protocols: what is scored, that it is scored once, and that
it goes on where it was."""

import json
import shutil

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from conftest import bench, bench_alone
from numpy.lib.stride_tricks import sliding_window_view
from photograph_files import make_tree
from test_training import tiny_spec

from benchmark.data import cache, sources
from benchmark.data.images import DataError
from benchmark.data.photographs import geometry, registry
from benchmark.data.resident import ResidentImages
from benchmark.evaluation.views.multi import scored_in_parts
from benchmark.evaluation.views.protocols import of_name
from benchmark.models.build import build_model
from benchmark.models.layers import SlidingPooling
from benchmark.records import Store
from benchmark.records.ensembles import load_ensembles
from benchmark.records.files import write_json
from benchmark.spec import RunSpec
from benchmark.spec.protocol import ProtocolName
from benchmark.suite import load_suite
from benchmark.suite.claims import PublishedClaim
from benchmark.worker import evaluate as evaluating
from benchmark.worker.evaluate import (
    Evaluated,
    ensemble,
    errors,
    evaluate,
    score_ensembles,
)


@pytest.fixture(scope="module")
def net(embedded):
    """A net with moving statistics of its own, and the images that it is scored on."""
    spec = tiny_spec(dataset={"normalization": "per-channel-mean-std"})
    keras.utils.set_random_seed(0)
    model = build_model(spec.model, (32, 32, 3), 10)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        spread = (weight * rng.uniform(0.7, 1.3, weight.shape)).numpy()
        positive = weight.name in ("gamma", "moving_variance")
        weight.assign(spread if positive else spread + rng.normal(0, 0.1, weight.shape))
    probabilities = tf.nn.softmax(
        model(np.random.default_rng(1).normal(size=(20, 32, 32, 3)), training=False)
    )
    assert np.median(np.max(probabilities, 1)) < 0.95, "nothing is seen of a saturated net's scores"
    data = ResidentImages(spec.dataset, embedded)
    return spec, model, data


def protocol(name, crop=32):
    return of_name(ProtocolName.of(name), crop)


def scored(net, name, part=300, first=0, crop=32):
    parts = list(scored_in_parts(*net, protocol(name, crop), part, first))
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def expected(net, pixels):
    _, model, data = net
    return tf.nn.softmax(model(data.normalization(pixels), training=False)).numpy()


def test_the_original_view_is_a_centre_crop_without_scaling(net, embedded):
    probabilities, labels = scored(net, "center-crop-32")
    np.testing.assert_array_equal(labels, embedded.test_labels)
    np.testing.assert_allclose(probabilities, expected(net, embedded.test_images), atol=2e-5)


def test_fully_convolutional_is_the_centre_crop_where_both_see_the_same_pixels(net, embedded):
    """So of the images in their own size: the mean over the image and its mirror image."""
    few = 60
    net = (*net[:2], Part(net[2], few))
    probabilities, labels = scored(net, "multi-scale-32")
    pixels = embedded.test_images[:few]
    both = (expected(net, pixels) + expected(net, pixels[:, :, ::-1])) / 2
    np.testing.assert_allclose(probabilities, both, atol=2e-5)
    assert len(labels) == few


class Part:
    """The first of a feed's test images."""

    def __init__(self, data, count):
        self.data, self.count, self.normalization = data, count, data.normalization
        self.scored_counts = {"test": count}

    def scored_views(self, split, views, count, batch_size, first=0):
        seen = first
        for pixels, labels in self.data.scored_views(split, views, count, batch_size, first):
            yield pixels[: self.count - seen], labels[: self.count - seen]
            seen += len(labels)
            if seen >= self.count:
                return


def test_ten_crops_are_averaged(net, embedded):
    net = (*net[:2], Part(net[2], 30))
    probabilities, _ = scored(net, "ten-crop-40", part=7)
    scaled = tf.image.resize(embedded.test_images[:30], (40, 40), "bilinear", antialias=True)
    scaled = np.floor(scaled.numpy() + 0.5).clip(0, 255)
    crops = [scaled[:, y : y + 32, x : x + 32] for y, x in [(0, 0), (0, 8), (8, 0), (8, 8), (4, 4)]]
    views = crops + [crop[:, :, ::-1] for crop in crops]
    mean = np.mean([expected(net, view) for view in views], 0)
    np.testing.assert_allclose(probabilities, mean, atol=1e-3)  # A rounded pixel may differ by 1.


def test_scales_are_averaged_and_a_mean_image_becomes_its_channels_means(net, embedded):
    spec, model, data = net
    mean = np.random.default_rng(1).uniform(0, 255, (32, 32, 3)).astype(np.float32)
    data = sources.feed(spec.dataset, embedded, type(data.normalization)(mean, np.ones(3)))
    net = spec, model, Part(data, 5)
    by_side = [scored(net, f"multi-scale-{side}")[0] for side in (24, 48)]
    both, _ = scored(net, "multi-scale-24-48")
    np.testing.assert_allclose(both, np.mean(by_side, 0), atol=1e-6)
    everywhere = type(data.normalization)(mean.mean((0, 1)), np.ones(3))
    net = spec, model, Part(sources.feed(spec.dataset, embedded, everywhere), 5)
    np.testing.assert_allclose(both, scored(net, "multi-scale-24-48")[0], atol=1e-5)


def test_sliding_is_global_where_the_map_is_a_crops(net):
    net = (*net[:2], Part(net[2], 40))
    one, other = (scored(net, f"multi-scale{kind}-32")[0] for kind in ("", "-sliding"))
    np.testing.assert_allclose(one, other, atol=1e-6)


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


@pytest.mark.parametrize("side", [48, 20])
def test_the_classifier_is_slid_over_the_map_and_its_scores_are_averaged(net, side):
    spec, model, data = net
    few = Part(data, 6)
    received, _ = scored((spec, model, few), f"multi-scale-sliding-{side}")
    anywhere = build_model(spec.model, (None, None, 3), 10)
    anywhere.set_weights(model.get_weights())
    until_pool = keras.Model(anywhere.input, anywhere.get_layer("pool").input)
    kernel, bias = model.get_layer("classifier").get_weights()
    (view,) = few.scored_views("test", lambda h, w: [geometry.whole(h, w, side)], 1, 6)
    of_views = []
    for pixels in (view[0][:, 0], view[0][:, 0, :, ::-1]):
        maps = until_pool(data.normalization(pixels), training=False).numpy()
        window = min(16, maps.shape[1])  # A crop of 32 pixels has a map of 16x16.
        windows = sliding_window_view(maps, (window, window), axis=(1, 2)).mean((-2, -1))
        of_views.append(softmax((windows @ kernel + bias).mean((1, 2))))
    np.testing.assert_allclose(received, np.mean(of_views, 0), atol=2e-5)
    by_the_whole_map, _ = scored((spec, model, few), f"multi-scale-{side}")
    assert np.allclose(received, by_the_whole_map, atol=1e-4) == (side < 32)


@pytest.mark.parametrize(("height", "width"), [(7, 7), (8, 8), (10, 15), (20, 9), (6, 9), (12, 3)])
def test_sliding_pooling_is_the_mean_over_all_windows(height, width):
    maps = np.random.default_rng(0).normal(size=(2, height, width, 3)).astype(np.float32)
    window = min(7, height), min(7, width)
    means = sliding_window_view(maps, window, axis=(1, 2)).mean((-2, -1))
    pooling = SlidingPooling.from_config(SlidingPooling(7).get_config())
    np.testing.assert_allclose(pooling(maps), means.mean((1, 2)), atol=1e-6)


def test_the_papers_sides():
    assert protocol("center-crop", 224).name == "center-crop-256"
    assert protocol("center-crop", 32).name == "center-crop-36"
    assert protocol("multi-scale", 224).name == "multi-scale-224-256-384-480-640"
    assert protocol("multi-scale-sliding", 224).name == "multi-scale-sliding-224-256-384-480-640"
    assert protocol("multi-scale", 224).views == 10
    assert protocol("ten-crop", 224).name == "ten-crop-256"


@pytest.mark.parametrize(
    "text",
    [
        *("", "ten", "ten-crop-", "ten-crop-0", "ten-crop-256-300", "multi-scale--1", "5-crop"),
        *("multi-scale-sliding-", "ten-crop-sliding", "multi-scale-256-sliding"),
    ],
)
def test_a_protocol_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="protocol must be center-crop or ten-crop"):
        ProtocolName.of(text)


@pytest.mark.parametrize(
    "text",
    [
        "center-crop-256",
        "ten-crop",
        "multi-scale-224-256",
        "multi-scale-sliding",
        "multi-scale-sliding-9",
    ],
)
def test_a_protocol_is_named_as_it_is_read(text):
    assert str(ProtocolName.of(text)) == text
    full = protocol(text, 224)
    again = protocol(full.name, 224)
    assert (again.name, again.views) == (full.name, full.views)
    assert again.sliding == ("sliding" in text)


def test_images_that_would_be_missed_are_told(net):
    spec, model, data = net
    short = Part(data, 90)
    short.scored_counts = {"test": 100}
    short.data = Part(data, 90)
    with pytest.raises(RuntimeError, match=r"100 images must be scored once. Scored: 90"):
        scored((spec, model, short), "center-crop-32")


def test_errors_by_hand():
    probabilities = np.array([[0.1, 0.9, 0, 0, 0, 0, 0], [0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]])
    found = errors(probabilities, np.array([1, 6]))
    assert found == {"images": 2, "top1_error_percent": 50.0, "top5_error_percent": 50.0}
    assert errors(probabilities, np.array([0, 1]))["top5_error_percent"] == 0.0
    assert errors(np.full((1, 3), 1 / 3), np.array([1]))["top1_error_percent"] == 100.0


def test_an_ensemble_is_of_the_same_images():
    def of(probabilities, labels=(0, 1), dataset="d"):
        result = {"dataset_sha256": dataset}
        return Evaluated("run", np.array(probabilities), np.array(labels), result)

    one, other = of([[0.6, 0.4], [0.6, 0.4]]), of([[0.6, 0.4], [0.1, 0.9]])
    assert ensemble([one, other])["top1_error_percent"] == 0.0
    for wrong in (of([[1, 0], [1, 0]], (1, 0)), of([[1, 0], [1, 0]], dataset="e")):
        with pytest.raises(DataError, match="must be scored on the same images"):
            ensemble([one, wrong])


@pytest.fixture
def store(ran, tmp_path):
    shutil.copytree(ran.results, tmp_path / "results")
    return Store(tmp_path / "results"), load_suite(ran.suite).plan.cells


def test_what_was_interrupted_goes_on(store, monkeypatch):
    results, (cell, *_) = store
    folder = results.run(cell)
    monkeypatch.setattr(evaluating, "PART", 300)
    told = []

    def stop(done, of):
        told.append(done)
        if done == 600:
            raise KeyboardInterrupt

    original = ProtocolName.of("center-crop-32")
    with pytest.raises(KeyboardInterrupt):
        evaluate(folder, original, stop)
    assert told == [0, 300, 600]
    told.clear()
    done = evaluate(folder, original, lambda done, of: told.append(done))
    assert told == [600, 900, 1000] and len(done.labels) == 1000
    assert done.result["top1_error_percent"] == pytest.approx(
        folder.result()["final_error_percent"], abs=0.2
    )
    evaluate(folder, original, lambda done, of: told.append(done))
    assert told[3:] == [1000]

    torn = folder.path / "evaluations" / "center-crop-32" / "part-00001.safetensors"
    torn.write_bytes(torn.read_bytes()[:-9])
    told.clear()
    again = evaluate(folder, original, lambda done, of: told.append(done))
    assert told == [300, 600, 900, 1000]
    np.testing.assert_array_equal(again.probabilities, done.probabilities)


def test_the_command_tells_each_run_and_their_ensemble(store):
    results, cells = store
    names = [cell.name for cell in cells]
    arguments = ["--results", results.root, "--protocol", "ten-crop"]
    done = bench_alone("evaluate", *names[:2], *arguments)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == [*names[:2], "ensemble of 2"]
    assert "1,000 images (ten-crop-36)" in lines[0] and "top-5" in lines[2]
    diverged = bench_alone("evaluate", names[2], *arguments)
    assert diverged.returncode == 1 and "which is diverged" in diverged.stderr
    wrong = bench_alone(
        "evaluate", names[0], "--results", results.root, "--protocol", "ten-crop-36-40"
    )
    assert wrong.returncode == 2 and "Received: ten-crop-36-40" in wrong.stderr


def test_the_ensembles_that_claims_are_about_are_kept_for_their_weights_alone(store, monkeypatch):
    results, (one, other, *_) = store
    claim = PublishedClaim.model_construct(
        ensemble=(one.variant, other.variant), protocol="center-crop-32", trend=None, variant=None
    )
    score_ensembles(results, "tiny", [claim])
    assert load_ensembles(results, "tiny", [claim]).empty  # They are not tested yet.
    name = ProtocolName.of("center-crop-32")
    both = [evaluate(results.run(cell), name) for cell in (one, other)]
    score_ensembles(results, "tiny", [claim])
    frame = load_ensembles(results, "tiny", [claim])
    (row,) = frame.to_dict("records")
    wanted = ensemble(both)
    assert row["variant"] == f"{one.variant} + {other.variant}" and row["seed"] == one.seed
    assert row["center-crop-32.top1_error_percent"] == wanted["top1_error_percent"]
    assert row["center-crop-32.top5_error_percent"] == wanted["top5_error_percent"]

    with monkeypatch.context() as patch:
        patch.setattr(evaluating, "ensemble", None)
        score_ensembles(results, "tiny", [claim])  # It is there, and not reckoned again.

    place = results.run(one).evaluations / "center-crop-32"
    before = {file.name for file in place.iterdir()}
    (results.suite("tiny").path / "ensembles.json").unlink()
    whole = (place / "part-00000.safetensors").read_bytes()
    (place / "part-00000.safetensors").write_bytes(whole[:-9])
    with pytest.raises(DataError, match=r"1000 images\. To test the run again: resnet-bench"):
        score_ensembles(results, "tiny", [claim])
    assert {file.name for file in place.iterdir()} == before  # Nothing is lost by that.
    (place / "part-00000.safetensors").write_bytes(whole)
    score_ensembles(results, "tiny", [claim])
    write_json(place / "result.json", {**both[0].result, "weights_sha256": "another's"})
    assert load_ensembles(results, "tiny", [claim]).empty


ENSEMBLE = """\
# A made-up suite for the tests: two very small nets on a few photographs.
name: ensemble
source: the tests' own
base:
  dataset:
    name: two
    content: {content}
    crop_size: 32
  model: {{stem: imagenet, block: basic, stage_blocks: [1], stage_widths: [4], shortcut: A}}
  optimizer: {{batch_size: 4}}
  schedule: {{iterations: 2}}
vary:
  variants:
    - {{name: one}}
    - {{name: other, model.shortcut: B}}
seeds: [0]
claims:
  - {{statement: It is so., variant: one, published: table3/ResNet-50/top1_error_percent,
     metric: top1_error_percent, protocol: ten-crop-36}}
  - {{statement: Both are., ensemble: [one, other], published: table5/ensemble/top5_error_percent,
     metric: top5_error_percent, protocol: multi-scale-224-256-384-480-640}}
"""


def test_run_tests_what_claims_are_about_by_their_protocols_and_their_ensembles(
    photographs, tmp_path
):
    suite, results = tmp_path / "ensemble.yaml", tmp_path / "results"
    suite.write_text(ENSEMBLE.format(content=json.dumps(photographs.content.model_dump())))
    planned = bench("plan", suite, "--results", results)
    assert "To be tested by ten-crop-36: 1 run," in planned.stdout
    words = ("run", suite, "--results", results, "--no-mlflow")
    done = bench_alone(*words, MLFLOW_TRACKING_URI="not/a/uri")
    assert done.returncode == 0, done.stdout + done.stderr
    store, cells = Store(results), load_suite(suite).plan.cells
    scales = "multi-scale-224-256-384-480-640"
    tested = {cell.name: {*store.run(cell).tested()} for cell in cells}
    assert tested["one/seed0"] == {"ten-crop-36", scales} and tested["other/seed0"] == {scales}
    report = (results / "ensemble" / "report.md").read_text()
    assert "| table5/ensemble/top5_error_percent | one + other | 3.57 |" in report
    assert "the paper does not cover this data set" in report
    frame = pd.read_csv(results / "ensemble" / "ensembles.csv")
    assert list(frame["seed"]) == [0] and set(frame["variant"]) == {"one + other"}
    assert "To be tested" not in bench("plan", suite, "--results", results).stdout

    lost = store.run(cells[0]).evaluations / scales / "part-00000.safetensors"
    lost.unlink()
    (results / "ensemble" / "ensembles.json").unlink()
    again = bench_alone("run", suite, "--results", results)
    assert again.returncode == 1 and "To test the run again: resnet-bench evaluate" in again.stdout
    assert "report" in again.stdout


@pytest.fixture
def photographs(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    return registry.add("two", make_tree(tmp_path / "tree"))


def photograph_spec(added, **changes):
    data = tiny_spec().model_dump(mode="json") | {
        "dataset": {
            "name": added.name,
            "content": added.content.model_dump(),
            "crop_size": 64,
            "lighting": True,
        },
        "model": {
            "stem": "imagenet",
            "block": "bottleneck",
            "stage_blocks": [1, 1],
            "stage_widths": [4, 8],
            "shortcut": "B",
        },
        "optimizer": {"batch_size": 4},
        "schedule": {"iterations": 7, "learning_rate": 0.01},
    }
    return RunSpec.model_validate(data | changes)


def test_a_net_is_trained_and_tested_on_photographs(photographs, tmp_path):
    from test_training import digests, trained

    spec = photograph_spec(photographs)
    images, states = sources.load(spec.dataset), []
    done, events = trained(spec, images, keep=states.append)
    assert done.status == "finished"
    rows = [event for event in events if event["event"] == "epoch"]
    assert [row["iteration"] for row in rows] == [3, 7]
    _, resumed = trained(spec, images, resume=states[0])
    assert digests(resumed)[1] == digests(events)[1]

    data = sources.feed(spec.dataset, images)
    net = spec, done.task.model, data
    for name in ("center-crop", "ten-crop", "multi-scale-sliding-64-80"):
        probabilities, labels = scored(net, name, part=4, crop=64)
        np.testing.assert_array_equal(labels, images.labels("test"))
        np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
    errors_ = errors(*scored(net, "center-crop-73", crop=64))
    assert errors_["top1_error_percent"] == pytest.approx(rows[-1]["test_error_percent"])


def test_a_mean_image_of_another_size_is_refused(photographs, embedded):
    spec, wrong = photograph_spec(photographs), np.zeros((32, 32, 3), np.float32)
    normalization = sources.feed(tiny_spec().dataset, embedded).normalization
    with pytest.raises(DataError, match=r"\(64, 64, 3\). Received: \(32, 32, 3\)"):
        sources.feed(
            spec.dataset,
            sources.load(spec.dataset),
            type(normalization)(wrong, normalization.scale),
        )


def test_top5_errors_are_of_many_classes_alone(net, embedded):
    from benchmark.evaluation.views.single import scorer

    inputs = keras.Input((32, 32, 3))
    logits = keras.layers.Dense(12)(keras.layers.GlobalAveragePooling2D()(inputs))
    many = scorer(keras.Model(inputs, logits), net[2], "test", 300)()
    order = np.argsort(-keras.Model(inputs, logits).predict(
        net[2].normalization(embedded.test_images), verbose=0), 1)  # fmt: skip
    hits = (order[:, :5] == embedded.test_labels[:, None]).any(1)
    assert many.top5_error_percent == pytest.approx(100 - 100 * hits.mean())
    few = scorer(keras.Model(inputs, keras.layers.Dense(10)(logits)), net[2], "test", 300)()
    assert few.top5_error_percent is None

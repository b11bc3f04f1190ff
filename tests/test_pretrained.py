"""Where pretrained weights come from: runs, state dicts and keras.applications, each checked."""

import hashlib
import re

import keras
import numpy as np
import pytest
from conftest import bench
from safetensors.numpy import load_file, save_file
from test_jobs import MEETS, TWO, Told
from test_transfer import OLD_CLASSES, foreign_weights, head, tiny_spec

from benchmark.data.images import DataError
from benchmark.data.normalization import CAFFE, TORCH, Normalization
from benchmark.models.build import build_model
from benchmark.models.pretrained import start_from
from benchmark.models.reference_weights import reference_weights
from benchmark.records import Store
from benchmark.scheduling.local import ThisMachine
from benchmark.scheduling.runner import run_plan
from benchmark.spec import RunSpec
from benchmark.suite import Plan, load_suite
from benchmark.suite.problems import SuiteError
from benchmark.worker.lease import lease
from benchmark.worker.pretrained import pretrained_of


@pytest.mark.parametrize(("normalization", "mode"), [(CAFFE, "caffe"), (TORCH, "torch")])
def test_the_preprocessings_are_those_of_keras(normalization, mode):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3)).astype(np.float32)
    wanted = keras.applications.imagenet_utils.preprocess_input(pixels.copy(), mode=mode)
    np.testing.assert_allclose(normalization(pixels), wanted, rtol=1e-5, atol=1e-4)
    again = Normalization.of_arrays(normalization.arrays())
    np.testing.assert_array_equal(again(pixels), normalization(pixels))


@pytest.mark.parametrize("kind", ["safetensors", "npz"])
def test_a_state_dict_in_the_cache(kind, tmp_path, monkeypatch):
    pretrained = foreign_weights()
    monkeypatch.setenv("RESNET_BENCH_DATA", str(tmp_path))
    path = tmp_path / "weights" / f"theirs.{kind}"
    path.parent.mkdir()
    net = build_model(tiny_spec().model, (32, 32, 3), OLD_CLASSES)
    for weight in net.weights:
        weight.assign(pretrained.arrays[weight.path])
    arrays = {name: np.ascontiguousarray(a) for name, a in reference_weights(net).items()}
    save_file(arrays, path) if kind == "safetensors" else np.savez(path, **arrays)
    stated = {"source": "file", "name": path.name, "mode": "train-all", "preprocessing": "caffe"}
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    spec = tiny_spec(pretrained={**stated, "sha256": digest})
    found = pretrained_of(spec, tmp_path)
    assert found.normalization is CAFFE
    assert found.arrays.keys() == pretrained.arrays.keys()
    for name, array in found.arrays.items():
        np.testing.assert_array_equal(array, pretrained.arrays[name])

    wider = {"stage_widths": [8, 8]}
    with pytest.raises(DataError, match="must fit the spec's net"):
        pretrained_of(tiny_spec(model=wider, pretrained={**stated, "sha256": digest}), tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(DataError, match=rf"SHA-256 {digest}. Received: [0-9a-f]+"):
        pretrained_of(spec, tmp_path)
    path.unlink()
    with pytest.raises(DataError, match=re.escape(f"{path} must hold pretrained weights")):
        pretrained_of(spec, tmp_path)


def published(variant):
    cells = load_suite("suites/published-weights.yaml").plan.cells
    return next(cell.spec for cell in cells if cell.variant == variant)


@pytest.mark.parametrize(("variant", "name"), [("vgg16", "VGG16"), ("resnet50", "ResNet50")])
def test_the_weights_of_keras_applications(variant, name, monkeypatch, tmp_path):
    """With weights that are drawn in the place of those that Keras fetches."""
    spec, make = published(variant), getattr(keras.applications, name)
    drawn = make(weights=None)

    def fetched(**arguments):
        return drawn if arguments == {"weights": "imagenet"} else make(**arguments)

    monkeypatch.setattr(keras.applications, name, fetched)
    found = pretrained_of(spec, tmp_path)
    assert found.normalization is CAFFE
    model = build_model(spec.model, spec.dataset.image_shape, spec.dataset.classes)
    start_from(model, spec.pretrained, found.arrays)
    image = np.random.default_rng(0).normal(0, 50, (1, 224, 224, 3)).astype(np.float32)
    ours = keras.ops.softmax(model(image, training=False))
    np.testing.assert_allclose(ours, drawn(image, training=False), rtol=1e-3, atol=1e-6)

    pinned = spec.pretrained.model_copy(update={"sha256": "0" * 64})
    with pytest.raises(DataError, match=f"{name} must have the SHA-256 0+. Received"):
        pretrained_of(spec.model_copy(update={"pretrained": pinned}), tmp_path)

    def no_network(**_):
        raise OSError("no network")

    monkeypatch.setattr(keras.applications, name, no_network)
    with pytest.raises(DataError, match=r"are not available \(no network\)"):
        pretrained_of(spec, tmp_path)


SUITE = """\
# A made-up suite for the tests: five classes, then the five others.
name: carried
source: the tests' own
base:
  dataset: {name: cifar10-subset, only_classes: [1, 3, 5, 7, 9], train_per_class: 40}
  model:
    {stem: cifar, block: basic, stage_blocks: [1, 1], stage_widths: [4, 8], shortcut: A}
  optimizer: {batch_size: 50}
  schedule: {iterations: 8}
vary:
  variants:
    - {name: first, dataset.only_classes: [0, 2, 4, 6, 8], dataset.train_per_class: null}
    - {name: scratch}
    - {name: head, pretrained: {source: run, name: first, mode: new-head}}
    - name: after
      pretrained: {source: run, name: first, mode: dense-after-head, head_classes: 5}
seeds: [0]
"""


@pytest.fixture(scope="module")
def carried(tmp_path_factory):
    folder = tmp_path_factory.mktemp("carried")
    suite = folder / "carried.yaml"
    suite.write_text(SUITE)
    done = bench("run", suite, "--results", folder / "results")
    assert done.returncode == 0, done.stdout + done.stderr
    return suite, Store(folder / "results")


def test_a_suite_trains_what_its_runs_begin_from_first(carried):
    suite, store = carried
    first, scratch, one, other = load_suite(suite).plan.cells
    assert one.source == other.source == first.run_id and scratch.source is None
    theirs, preprocessing = (load_file(store.run(first).path / f"{name}.safetensors")
                             for name in ("weights", "preprocessing"))  # fmt: skip
    ours = load_file(store.run(one).weights)
    for path, array in theirs.items():
        assert head(path) or np.array_equal(array, ours[path]), path
    np.testing.assert_array_equal(
        preprocessing["mean"], load_file(store.run(one).preprocessing)["mean"]
    )
    assert {"first", "scratch", "head", "after"} <= set((store.root / "carried" / "report.md")
                                                        .read_text().split())  # fmt: skip


def test_a_run_that_began_from_another_is_replayed(carried):
    _, store = carried
    done = bench("replay", "after/seed0", "--results", store.root)
    assert done.returncode == 0 and "identical" in done.stdout, done.stdout + done.stderr


def test_published_weights_are_of_the_same_net(carried):
    suite, store = carried
    first, *_ = load_suite(suite).plan.cells
    plain = first.spec.model_dump(mode="json")
    plain["pretrained"] = {"source": "run", "name": first.run_id, "mode": "as-published"}
    plain["dataset"]["normalization"] = "pretrained"
    plain["schedule"] = {"iterations": 0}
    runs = store.root / "runs"
    plain["model"] |= {"initializer": "glorot-uniform", "dropout_rate": 0.5}
    assert pretrained_of(RunSpec.model_validate(plain), runs)
    plain["model"]["zero_pad"] = "both"
    with pytest.raises(DataError, match=r"model.zero_pad must be end, .* Received: both"):
        pretrained_of(RunSpec.model_validate(plain), runs)


def test_weights_that_were_changed_or_are_gone_are_refused(carried):
    suite, store = carried
    first, _, one, _ = load_suite(suite).plan.cells
    runs, weights = store.root / "runs", store.run(first).weights
    whole = weights.read_bytes()
    assert pretrained_of(one.spec, runs)
    try:
        weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(DataError, match="must have the digest"):
            pretrained_of(one.spec, runs)
        weights.unlink()
        with pytest.raises(DataError, match="must hold a whole run"):
            pretrained_of(one.spec, runs)
    finally:
        weights.write_bytes(whole)
    with pytest.raises(DataError, match=r"must be a finished one .* which is planned"):
        pretrained_of(one.spec, runs / "elsewhere")


def test_a_variant_that_stands_later_cannot_be_begun_from(tmp_path):
    path = tmp_path / "suite.yaml"
    path.write_text(SUITE.replace("name: first, mode: new-head", "name: after, mode: new-head"))
    with pytest.raises(SuiteError, match=r"suite.yaml:14: .*must be an earlier variant"):
        load_suite(path)


def three_cells(folder):
    (folder / "suite.yaml").write_text(SUITE)
    return load_suite(folder / "suite.yaml").plan.cells[:3]


def test_a_run_waits_for_the_one_whose_weights_it_begins_from_and_others_do_not(tmp_path, worker):
    worker(MEETS)
    one, two, three = three_cells(tmp_path)
    plan, store = Plan("three", (one, three, two)), Store(tmp_path / "results")
    first, begun, other = (store.run(cell).path for cell in plan.cells)

    def let_go(cell, event):
        if ("progress", "head") in told.seen:
            (begun / "go").touch()
            (other / "go").touch()
        elif {("progress", "first"), ("progress", "scratch")} <= set(told.seen):
            assert not begun.exists()
            (first / "go").touch()

    told = Told(let_go)
    outcome = run_plan(plan, store, [told], ThisMachine(TWO))
    assert set(outcome.statuses.values()) == {"finished"} and outcome.trained == 3
    assert told.seen.index(("finished", "first")) < told.seen.index(("begin", "head"))


def test_what_begins_from_a_run_that_another_process_trains_is_left_to_it(tmp_path, worker):
    worker(MEETS)
    store = Store(tmp_path / "results")
    first, _, begun = three_cells(tmp_path)
    with lease(store.run(first)):
        outcome = run_plan(Plan("two", (first, begun)), store, [], ThisMachine())
    assert set(outcome.statuses.values()) == {"busy"}
    assert "begins from" in outcome.reasons[begun.run_id] and not store.run(begun).path.exists()

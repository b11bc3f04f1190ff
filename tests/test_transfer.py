"""Transfer learning: which weights a run begins from, what is trained of them, at which rate."""

import numpy as np
import pytest
from pydantic import ValidationError
from test_training import float32_policy, tiny_spec, trained  # noqa: F401

from benchmark.data.images import chosen
from benchmark.data.normalization import Normalization
from benchmark.models.build import build_model
from benchmark.models.pretrained import Pretrained, start_from
from benchmark.spec import PretrainedApplication, RunSpec
from benchmark.suite.problems import rule_of
from benchmark.training.net import build_net
from benchmark.training.weights import weight_arrays

OLD_CLASSES = 7
RUN = {"source": "run", "name": "0" * 16}
CLASSIFIER = ("classifier/kernel", "classifier/bias")
MODES = ("train-all", "new-head", "dense-after-head")


def transfer_spec(mode="train-all", **changes):
    stated = {**RUN, "mode": mode}
    if mode == "dense-after-head":
        stated["head_classes"] = OLD_CLASSES
    return tiny_spec(pretrained=stated, **changes)


def foreign_weights():
    """Weights that no initialiser draws, moving statistics included, and a normalisation."""
    net = build_model(tiny_spec().model, (32, 32, 3), OLD_CLASSES)
    rng = np.random.default_rng(0)
    arrays = {
        path: np.abs(array + rng.normal(0, 0.1, array.shape)).astype(np.float32)
        for path, array in weight_arrays(net).items()
    }
    mean = rng.uniform(0, 255, (32, 32, 3)).astype(np.float32)
    return Pretrained(arrays, Normalization(mean, np.array(1 / 255, np.float32)))


@pytest.fixture(scope="module")
def pretrained():
    return foreign_weights()


def head(path):
    return path.startswith(("classifier/", "new_classifier/"))


@pytest.mark.parametrize("mode", MODES)
def test_a_run_begins_with_the_pretrained_weights_and_another_head(mode, pretrained):
    spec = transfer_spec(mode)
    model = build_net(spec)
    drawn = weight_arrays(model)
    start_from(model, spec.pretrained, pretrained.arrays)
    begun = weight_arrays(model)
    new = "new_classifier/" if mode == "dense-after-head" else "classifier/"
    for path, array in begun.items():
        wanted = drawn if path.startswith(new) else pretrained.arrays
        np.testing.assert_array_equal(array, wanted[path], path)
    left = pretrained.arrays.keys() - {path for path in begun if not path.startswith(new)}
    assert left == (set() if mode == "dense-after-head" else set(CLASSIFIER))
    trainable = {weight.path for weight in model.trainable_weights}
    if mode == "new-head":
        assert trainable == set(CLASSIFIER)
    else:
        assert trainable == {path for path in begun if "moving" not in path}


@pytest.mark.parametrize("mode", MODES)
def test_what_is_frozen_stays_and_all_else_moves(mode, pretrained, embedded):
    spec = transfer_spec(mode)
    done, events = trained(spec, embedded, pretrained=pretrained)
    assert done.status == "finished"
    after = weight_arrays(done.task.model)
    for path, array in pretrained.arrays.items():
        if mode != "dense-after-head" and head(path):
            continue
        same = np.array_equal(after[path], array)
        assert same == (mode == "new-head"), path
    np.testing.assert_array_equal(done.task.normalization.mean, pretrained.normalization.mean)
    (row,) = (event for event in events if event["event"] == "epoch")
    assert len(row["gradient_norms"]) == (1 if mode == "new-head" else len(kernels(after)))
    assert events[0]["parameters"] == sum(a.size for p, a in after.items() if "moving" not in p)


def test_published_weights_stay_as_they_are(pretrained, embedded):
    spec = transfer_spec(
        "as-published",
        dataset={"only_classes": list(range(OLD_CLASSES))},
        schedule={"iterations": 0},
    )
    images = chosen(embedded, spec.dataset.only_classes, None)
    done, events = trained(spec, images, pretrained=pretrained)
    (row,) = (event for event in events if event["event"] == "epoch")
    assert (done.status, row["iteration"]) == ("finished", 0) and "train_loss" not in row
    assert 0 < row["test_error_percent"] <= 100
    after = weight_arrays(done.task.model)
    assert after.keys() == pretrained.arrays.keys()
    for path, array in pretrained.arrays.items():
        np.testing.assert_array_equal(after[path], array, path)


def kernels(arrays):
    return [path for path in arrays if path.endswith("/kernel")]


def test_frozen_batch_normalization_is_by_the_pretrained_statistics(pretrained, embedded):
    spec = transfer_spec("new-head", schedule={"iterations": 1, "drops": []})
    _, events = trained(spec, embedded, pretrained=pretrained)
    _, others = trained(
        transfer_spec("train-all", schedule={"iterations": 1, "drops": []}),
        embedded,
        pretrained=pretrained,
    )
    assert events[0]["initial_weights_sha256"] == others[0]["initial_weights_sha256"]
    assert events[-2]["event"] == "epoch"
    assert events[-2]["train_loss"] != others[-2]["train_loss"]


def test_the_backbone_has_a_learning_rate_of_its_own(pretrained, embedded):
    one_step = {"schedule": {"iterations": 1, "drops": []}}
    slow = transfer_spec(**one_step)
    slow = slow.model_copy(
        update={"pretrained": slow.pretrained.model_copy(update={"backbone_rate": 0.25})}
    )
    moved = []
    for spec in (transfer_spec(**one_step), slow):
        done, _ = trained(spec, embedded, pretrained=pretrained)
        moved.append(weight_arrays(done.task.model))
    for path, before in pretrained.arrays.items():
        if "moving" in path or head(path):
            continue
        full, quarter = (arrays[path] - before for arrays in moved)
        np.testing.assert_allclose(quarter, full / 4, rtol=1e-3, atol=1e-6)
    np.testing.assert_array_equal(moved[0]["classifier/kernel"], moved[1]["classifier/kernel"])


@pytest.mark.parametrize("mode", MODES)
def test_weights_of_a_deeper_net_are_refused(mode, pretrained):
    deeper = {"stage2_block2_conv1/kernel": np.zeros((3, 3, 8, 8), np.float32)}
    model = build_model(tiny_spec().model, (32, 32, 3), 10)
    if mode == "dense-after-head":
        model = build_model(tiny_spec().model, (32, 32, 3), 10, OLD_CLASSES)
    with pytest.raises(ValueError, match=r"Left: \['stage2_block2_conv1/kernel'\]"):
        start_from(model, transfer_spec(mode).pretrained, pretrained.arrays | deeper)


@pytest.mark.parametrize("change", ["missing", "shape"])
def test_weights_that_do_not_fit_are_refused_before_one_is_set(change, pretrained):
    arrays = dict(pretrained.arrays)
    last = "stage2_block1_conv2/kernel"
    arrays[last] = arrays[last][..., :-1]
    if change == "missing":
        del arrays[last]
    model = build_model(tiny_spec().model, (32, 32, 3), 10)
    before = weight_arrays(model)
    with pytest.raises(ValueError, match=f"{last} must be of shape .* Received"):
        start_from(model, transfer_spec().pretrained, arrays)
    assert all(np.array_equal(array, before[path]) for path, array in weight_arrays(model).items())


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"pretrained": {"name": "net"}}, "pretrained.name", "16 hexadecimal digits"),
        (
            {"pretrained": {"source": "keras-applications", "name": "VGG19"}},
            "pretrained.name",
            "should be 'ResNet50', 'ResNet101', 'ResNet152' or 'VGG16'",
        ),
        (
            {"pretrained": {"source": "file", "name": "../x.npz"}},
            "pretrained.name",
            "pattern",
        ),
        (
            {"pretrained": {"source": "file", "name": "x.npz", "preprocessing": "torch"}},
            "pretrained.sha256",
            "is required",
        ),
        ({"pretrained": {"preprocessing": "torch"}}, "pretrained.preprocessing", "not a field"),
        ({"pretrained": {"sha256": "1" * 64}}, "pretrained.sha256", "not a field"),
        (
            {"pretrained": {"source": "keras-applications", "name": "ResNet50", "sha256": "1"}},
            "pretrained.sha256",
            "pattern",
        ),
        ({"pretrained": {"source": "url"}}, "pretrained.source", "one of run, keras-applications"),
        (
            {"pretrained": {"mode": "new-head", "backbone_rate": 0.5}},
            "pretrained.backbone_rate",
            "left out",
        ),
        (
            {"dataset": {"normalization": "per-pixel-mean"}},
            "dataset.normalization",
            "must be pretrained, or pretrained.other_preprocessing must be true",
        ),
        (
            {"pretrained": None, "dataset": {"normalization": "pretrained"}},
            "dataset.normalization",
            "needs pretrained weights",
        ),
        ({"pretrained": {"head_classes": 7}}, "pretrained.head_classes", "dense-after-head"),
        (
            {"pretrained": {"mode": "dense-after-head"}},
            "pretrained.head_classes",
            "dense-after-head",
        ),
        (
            {"pretrained": {"source": "keras-applications", "name": "ResNet50"}},
            "model.stem",
            "must be imagenet for the weights of ResNet50",
        ),
        ({"dataset": {"only_classes": [1, 1]}}, "dataset.only_classes", "each once"),
        ({"dataset": {"only_classes": [1, 10]}}, "dataset.only_classes", "0 to 9"),
        ({"dataset": {"only_classes": [*range(10)]}}, "dataset.only_classes", "but not all"),
        ({"dataset": {"train_per_class": 500}}, "dataset.train_per_class", "less than the 500"),
        (
            {"dataset": {"train_per_class": 7, "held_out_images": 70}},
            "dataset.held_out_images",
            "less than the 70 training images",
        ),
    ],
)
def test_what_does_not_fit_is_refused(changes, field, rule):
    stated = changes.get("pretrained", {})
    if stated is not None:
        changes = changes | {"pretrained": {**RUN, "mode": "train-all"} | stated}
    with pytest.raises(ValidationError) as error:
        tiny_spec(**changes)
    place, told, _ = rule_of(error.value.errors()[0])
    assert ".".join(map(str, place)) == field and rule in told


def test_another_preprocessing_is_used_where_it_is_asked_for_by_name(pretrained, embedded):
    asked = {**RUN, "mode": "train-all", "other_preprocessing": True}
    done, _ = trained(tiny_spec(pretrained=asked), embedded, pretrained=pretrained)
    np.testing.assert_allclose(
        done.task.normalization.mean, embedded.train_images.mean(0, dtype=np.float64), rtol=1e-6
    )


def test_the_first_images_of_some_classes(embedded):
    images = chosen(embedded, [8, 1], 3)
    assert sorted(images.train_labels) == [0] * 3 + [1] * 3
    for split, count in (("train", 3), ("test", 100)):
        pixels, labels = images.arrays()[f"{split}_images"], images.arrays()[f"{split}_labels"]
        all_pixels = embedded.arrays()[f"{split}_images"]
        all_labels = embedded.arrays()[f"{split}_labels"]
        for number, old in enumerate((8, 1)):
            wanted = all_pixels[all_labels == old][:count]
            np.testing.assert_array_equal(pixels[labels == number], wanted)
    assert chosen(embedded, None, None).sha256 == embedded.sha256


def test_what_is_frozen_has_no_statistics_to_recompute():
    spec = transfer_spec("new-head").model_dump(mode="json")
    norm = {"statistics": "recomputed"}
    with pytest.raises(ValidationError) as caught:
        RunSpec.model_validate({**spec, "model": spec["model"] | {"batch_norm": norm}})
    assert caught.value.errors()[0]["ctx"]["field"] == "model.batch_norm.statistics"


def test_the_head_of_published_weights_is_imagenets():
    stated = {"source": "keras-applications", "name": "ResNet50", "mode": "dense-after-head"}
    assert PretrainedApplication.model_validate(stated).head_classes == 1000
    with pytest.raises(ValidationError) as caught:
        PretrainedApplication.model_validate({**stated, "head_classes": 5})
    assert caught.value.errors()[0]["ctx"]["field"] == "head_classes"

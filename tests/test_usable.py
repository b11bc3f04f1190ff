"""Weights and boxes that runs need are looked at before a suite begins."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import bench
from detection_files import box, make_split
from test_finite_weights import MODEL

from benchmark.data.detection import coco_json
from benchmark.models.build import build_model
from benchmark.models.reference_weights import reference_weights, stride_note
from benchmark.records import Store
from benchmark.spec import ResNetSpec, RunSpec
from benchmark.suite import load_suite
from benchmark.worker.weights_check import checked


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_BENCH_DATA", str(tmp_path / "cache"))
    (tmp_path / "cache" / "weights").mkdir(parents=True)
    return tmp_path / "cache"


def weights(file, **changes):
    net = build_model(ResNetSpec.model_validate(MODEL | changes), (32, 32, 3), 10)
    np.savez(file, **reference_weights(net))
    return file.read_bytes()


def suite(tmp_path, *variants, **base):
    stated = {"dataset": {"name": "cifar10-subset"}, "model": MODEL} | base
    stated = {"name": "asked", "source": "a test", "base": stated, "seeds": [0]}
    stated |= {"vary": {"variants": [*variants]}}
    (tmp_path / "asked.yaml").write_text(json.dumps(stated))
    return tmp_path / "asked.yaml"


def of_file(content, name="net.npz", **fields):
    stated = {"source": "file", "name": name, "mode": "as-published", "preprocessing": "torch"}
    return {"name": "one", "pretrained": stated | {"sha256": digest(content)} | fields}


def digest(content):
    return hashlib.sha256(content).hexdigest()


def refused(tmp_path, path):
    """What is said of a suite none of whose runs begins."""
    done = bench("run", path, "--no-mlflow", "--results", tmp_path / "results")
    assert done.returncode == 2, done.stdout + done.stderr
    assert not (tmp_path / "results").exists() and "Traceback" not in done.stderr
    for word in ("BytesIO", "pickle"):
        assert word not in done.stderr
    return done.stderr


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (LFS, f"a Git LFS pointer of {len(LFS)} bytes"),
        (b"<!DOCTYPE html><html>", "an HTML page of 21 bytes"),
        (b"", "0 bytes"),
        (b"\x80\x02}q\x00.", "a file of pickled objects"),
        (bytes(900), "900 bytes that begin with zeros"),
        (b"PK\x03\x04" + bytes(90), "a zip archive"),
        (b"\x93NUMPY\x01\x00", "a NumPy array"),
    ],
)
@pytest.mark.parametrize("name", ["net.npz", "net.safetensors"])
@pytest.mark.parametrize("right", [True, False])
def test_files_that_are_no_weights_are_named_with_what_they_are(cache, content, said, name, right):
    (cache / "weights" / name).write_bytes(content)
    problem = checked_file(of_file(content if right else b"others", name))
    assert f"{cache / 'weights' / name} must" in problem and said in problem
    for word in ("BytesIO", "allow_pickle", "unpickl"):
        assert word not in problem


def checked_file(variant, **fields):
    fields = {"dataset": {"name": "cifar10-subset"}, "model": MODEL, "seed": 0} | fields
    spec = RunSpec.model_validate(fields | {"pretrained": variant["pretrained"]})
    return checked(spec, None, Path("nowhere")).problem


def test_weights_that_cannot_be_used_are_told(cache):
    content = weights(cache / "weights" / "net.npz")
    wide = weights(cache / "weights" / "wide.npz", stage_widths=[8])
    (cache / "weights" / "folder.npz").mkdir()
    np.savez(cache / "weights" / "objects.npz", **{"fc.bias": np.array([{}], object)})
    objects = (cache / "weights" / "objects.npz").read_bytes()
    np.savez(cache / "weights" / "texts.npz", **{"fc.bias": np.array(["a"])})
    texts = (cache / "weights" / "texts.npz").read_bytes()
    np.savez(cache / "weights" / "number.npz", **{"fc.bias": np.array(1.0)})
    number = (cache / "weights" / "number.npz").read_bytes()
    assert checked_file(of_file(content)) == ""
    for variant, said in (
        (of_file(content, "none.npz"), "none.npz"),
        (of_file(content, "folder.npz"), "a folder"),
        (of_file(b"others"), digest(b"others")),
        (of_file(wide, "wide.npz"), "conv1.weight"),
        (of_file(objects, "objects.npz"), "Python objects"),
        (of_file(texts, "texts.npz"), "fc.bias of type"),
        (of_file(number, "number.npz"), "one fc.bias"),
    ):
        assert said in checked_file(variant), said
    few = {"dataset": {"name": "cifar10-subset", "only_classes": [1, 2]}}
    assert "classifier/kernel" in checked_file(of_file(content), **few)
    whole = (cache / "weights" / "net.npz").read_bytes()
    (cache / "weights" / "cut.npz").write_bytes(whole[:-300])
    assert "cut.npz must hold" in checked_file(of_file(whole[:-300], "cut.npz"))


def test_weights_are_looked_at_before_a_suite_begins(tmp_path, cache):
    """A file that is not there, and the net of a run that is still to be trained."""
    content = weights(cache / "weights" / "net.npz")
    source = {"pretrained": {"source": "run", "name": "first", "mode": "new-head"}}
    path = suite(
        tmp_path,
        {"name": "first"},
        {"name": "second", "model.stage_widths": [8]} | source,
        {"name": "third"} | source,
        of_file(content, "none.npz") | {"name": "file", "schedule.iterations": 0},
        schedule={"iterations": 2},
        optimizer={"batch_size": 10},
    )
    told = refused(tmp_path, path)
    assert told.count("\n") == 2 and "stem_conv/kernel" in told and "none.npz" in told


def test_weights_that_fit_are_told_and_the_suite_begins(tmp_path, cache):
    content = weights(cache / "weights" / "net.npz")
    path = suite(tmp_path, of_file(content))
    done = bench("run", path, "--no-mlflow", "--results", tmp_path / "results")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pretrained: net.npz: " in done.stdout
    (cell,) = load_suite(path).plan.cells
    assert Store(tmp_path / "results").run(cell).status() == "finished"


DETECTOR = {
    "model": {"stem": "imagenet", "depth": 18, "shortcut": "B"},
    "detector": {},
    "schedule": {"iterations": 2},
}


def of_boxes(tmp_path, annotations, batch_size=2, **fields):
    train = make_split(tmp_path, "train", [1, 2, 3], annotations)
    added = coco_json.add("mine", train, make_split(tmp_path, "test", [4], [box(4)]))
    data = {"name": "mine", "content": added.content.model_dump()} | fields
    return suite(
        tmp_path, {"name": "one"}, dataset=data, optimizer={"batch_size": batch_size}, **DETECTOR
    )


@pytest.mark.parametrize(
    ("numbers", "fields", "said"),
    [
        ([], {}, "training images with objects"),
        ([1, 1, 1, 2], {"max_boxes": 2}, "max_boxes must be at least 3"),
        ([1], {}, "optimizer.batch_size must be at most the 1 images"),
        ([1, 2], {"batch_size": 3}, "(1 without objects are left out)"),
    ],
)
def test_a_detectors_images_are_counted_before_a_suite_begins(tmp_path, numbers, fields, said):
    path = of_boxes(tmp_path, [box(number) for number in numbers], **fields)
    assert said in refused(tmp_path, path)


def test_batches_may_hold_as_many_images_as_are_trained_on(tmp_path):
    from benchmark.data.detection import registry
    from benchmark.data.detection.training_images import trained

    path = of_boxes(tmp_path, [box(1), box(2)])
    (cell,) = load_suite(path).plan.cells
    truths = registry.find("mine").truths["train"]
    assert trained(cell.spec.dataset, truths, 2).tolist() == [0, 1]
    every = cell.spec.dataset.model_copy(update={"train_without_objects": True})
    assert trained(every, truths, 3).tolist() == [0, 1, 2]


def test_canvases_with_more_objects_than_there_is_room_for_are_told(tmp_path):
    data = {"name": "pasted-cifar", "max_boxes": 2, "pasted": {"train_canvases": 20}}
    path = suite(tmp_path, {"name": "one"}, dataset=data, optimizer={"batch_size": 2}, **DETECTOR)
    assert "max_boxes must be at least" in refused(tmp_path, path)


TORCHVISION = ("conv1.weight", "layer1.0.downsample.0.weight", "fc.weight")


@pytest.mark.parametrize(
    ("names", "preprocessing", "stride", "noted"),
    [
        (TORCHVISION, "torch", "1x1", "3x3"),
        (TORCHVISION, "torch", "3x3", ""),
        (("layer1.0.shortcut.0.weight", "linear.weight"), "torch", "1x1", ""),
        (("layer1.0.shortcut.0.weight", "linear.weight"), "caffe", "3x3", "1x1"),
        (("layer1.0.shortcut.0.weight", "linear.weight"), "caffe", "1x1", ""),
        (TORCHVISION, "torch", None, ""),
    ],
)
def test_a_stride_that_no_shape_tells_is_warned_of(names, preprocessing, stride, noted):
    depth = 50 if stride else 18
    fields = {"stem": "imagenet", "depth": depth, "shortcut": "B"}
    model = ResNetSpec.model_validate(fields | ({"bottleneck_stride": stride} if stride else {}))
    note = stride_note(model, names, preprocessing)
    assert (f"bottleneck_stride: {noted}" in note) if noted else not note

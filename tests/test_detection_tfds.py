"""COCO and VOC by tensorflow-datasets' own builders, from a few images in the layout of their
archives: only the download is left out."""

import json

import numpy as np
import pytest
from photograph_files import cut, encoded
from typer.testing import CliRunner

from benchmark.cli import app
from benchmark.commands import data_get
from benchmark.data import cache
from benchmark.data.detection import registry, tfds
from benchmark.data.detection.feed import DetectionFeed
from benchmark.data.images import DataError
from benchmark.spec import BoxesSpec
from benchmark.spec.boxes import DETECTION_CLASSES, DETECTION_IMAGES

CATEGORIES = [{"id": 5 * label + 1, "name": f"class{label}"} for label in range(80)]


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """A cache of its own, and archives that are there already."""
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    import tensorflow_datasets

    def downloaded(self, urls):
        return {key: str(tmp_path / "archives") for key in urls}

    manager = tensorflow_datasets.download.DownloadManager
    monkeypatch.setattr(manager, "download_and_extract", downloaded)


def photograph(number):
    """(height, width) and the bytes of a JPEG."""
    pixels = cut("china", number)
    return pixels.shape[:2], encoded(pixels)


def make_coco(root, year, splits):
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    for split, count in splits.items():
        folder = root / f"{split}{year}"
        folder.mkdir()
        images, annotations = [], []
        for number in range(count, 0, -1):
            (height, width), content = photograph(number)
            name = f"{split}_{number:012d}.jpg"
            (folder / name).write_bytes(content)
            images.append({"id": number, "file_name": name, "height": height, "width": width})
            for place in range(number % 3):
                bbox = [10.25 + place, 20.75, 30.5, 40.01]
                annotations.append(
                    {
                        "id": 10 * number + place,
                        "image_id": number,
                        "category_id": CATEGORIES[number]["id"],
                        "bbox": bbox,
                        "area": 900.75,
                        "iscrowd": int(place == 1),
                    }
                )
        kind = "image_info" if split.startswith("test") else "instances"
        data = {"images": images, "annotations": annotations, "categories": CATEGORIES}
        (root / "annotations" / f"{kind}_{split}{year}.json").write_text(json.dumps(data))
    # The name of the extra split has its year in it.
    if year == "2014":
        (root / "test2015").mkdir()
        data = {"images": [], "annotations": [], "categories": CATEGORIES}
        (height, width), content = photograph(1)
        (root / "test2015" / "a.jpg").write_bytes(content)
        data["images"] = [{"id": 1, "file_name": "a.jpg", "height": height, "width": width}]
        (root / "annotations" / "image_info_test2015.json").write_text(json.dumps(data))


def make_voc(root, year, first):
    folder = root / "VOCdevkit" / f"VOC{year}"
    for inner in ("ImageSets/Main", "JPEGImages", "Annotations"):
        (folder / inner).mkdir(parents=True)
    for place, split in enumerate(("train", "val", "test")):
        names = []
        for number in range(first + 2 * place, first + 2 * place + 2):
            name = f"{number:06d}" if year == "2007" else f"2008_{number:06d}"
            names.append(name)
            (height, width), content = photograph(number)
            (folder / "JPEGImages" / f"{name}.jpg").write_bytes(content)
            objects = "".join(
                f"<object><name>{label}</name><pose>Left</pose><truncated>0</truncated>"
                f"<difficult>{difficult}</difficult><bndbox><xmin>1</xmin><ymin>{number}</ymin>"
                f"<xmax>{width}</xmax><ymax>{height - 7}</ymax></bndbox></object>"
                for label, difficult in (("dog", 0), ("person", 1))
            )
            (folder / "Annotations" / f"{name}.xml").write_text(
                f"<annotation><size><width>{width}</width><height>{height}</height></size>"
                f"{objects}</annotation>"
            )
        (folder / "ImageSets" / "Main" / f"{split}.txt").write_text("\n".join(names) + "\n")


def get(name, tmp_path):
    return tfds.get(name, data_dir=tmp_path / "tfds", say=lambda line: None)


@pytest.mark.parametrize("year", ["2014", "2017"])
def test_coco(tmp_path, year):
    make_coco(tmp_path / "archives", year, {"train": 5, "val": 4, "test": 1})
    found = get(f"coco{year}", tmp_path)
    assert found.classes == [f"class{label}" for label in range(80)]
    train = found.truths["train"]
    assert train.ids.tolist() == [1, 2, 3, 4, 5] and len(found.truths["test"]) == 4
    assert train.counts.tolist() == [1, 2, 0, 1, 2]
    second = train[1]
    box = [10.25, 20.75, 40.75, 60.76]
    np.testing.assert_array_equal(second.boxes, np.float32([box, [11.25, 20.75, 41.75, 60.76]]))
    assert second.labels.tolist() == [2, 2] and second.crowds.tolist() == [False, True]
    assert second.areas.tolist() == [900, 900]
    (height, width), content = photograph(2)
    assert (second.height, second.width) == (height, width)
    assert found.images.encoded("train", 1) == content
    found.images.check()
    assert get(f"coco{year}", tmp_path).sha256 == found.sha256, "once more, from what is there"
    with pytest.raises(DataError, match=r"must have \(classes, training images, test images\)"):
        registry.load(BoxesSpec(name=f"coco{year}"))


def test_voc(tmp_path):
    make_voc(tmp_path / "archives", "2007", 1)
    found = get("voc2007", tmp_path)
    assert found.truths["train"].ids.tolist() == [1, 2, 3, 4], "train and val"
    assert found.truths["test"].ids.tolist() == [5, 6]
    third = found.truths["train"][2]
    (height, width), content = photograph(3)
    # Rows 3 to height - 7, counted from 1 and both included: from the edge 2 on.
    assert third.boxes.tolist() == [[0, 2, width, height - 7]] * 2
    assert [found.classes[label] for label in third.labels] == ["dog", "person"]
    assert third.crowds.tolist() == [False, True]
    assert found.images.encoded("train", 2) == content
    assert found.truths["train"].objects.tolist() == [1] * 4


def test_both_years_of_voc_are_one_set(tmp_path):
    make_voc(tmp_path / "archives", "2007", 1)
    make_voc(tmp_path / "archives", "2012", 11)
    found = get("voc0712", tmp_path)
    train = found.truths["train"]
    assert train.ids.tolist() == [1, 2, 3, 4, 2008000011, 2008000012, 2008000013, 2008000014]
    assert found.truths["test"].ids.tolist() == [5, 6]
    assert found.images.encoded("train", 6) == photograph(13)[1]
    spec = BoxesSpec(name="voc0712", shorter_side=64, longest_side=96)
    data = DetectionFeed(spec, registry.find("voc0712"), workers=1)
    batch = data.train_batch(0, 8, 0)
    assert batch.pixels.shape == (8, 96, 96, 3)
    assert batch.crowds.numpy().sum() == 8
    only = get("voc2012", tmp_path)
    assert only.truths["train"].ids.tolist() == [2008000011, 2008000012]
    assert only.truths["test"].ids.tolist() == [2008000013, 2008000014]


def test_what_cannot_be_prepared_is_told(tmp_path):
    with pytest.raises(DataError, match="name must be one of coco2014"):
        get("coco", tmp_path)
    with pytest.raises(DataError, match="data for voc2007 cannot be used"):
        get("voc2007", tmp_path)
    assert registry.ADDED.names() == []


def test_what_is_prepared_in_another_format_is_told(tmp_path):
    import tensorflow_datasets

    make_voc(tmp_path / "archives", "2007", 1)
    builder = tensorflow_datasets.builder("voc/2007", data_dir=tmp_path / "tfds")
    builder.download_and_prepare(file_format="tfrecord")
    with pytest.raises(DataError, match=r"must be prepared as array_record.*Received: tfrecord"):
        get("voc2007", tmp_path)


def test_each_known_set_has_its_counts():
    assert {*tfds.SETS} == {*DETECTION_IMAGES} == {*DETECTION_CLASSES}
    assert {*data_get.GET} == {*DETECTION_IMAGES, "cifar10", "imagenet2012"}


# Commands


@pytest.fixture
def command(tmp_path, monkeypatch):
    """``resnet-bench data``, where tensorflow-datasets keeps its own in a folder of the test."""
    from tensorflow_datasets.core import constants

    monkeypatch.setattr(constants, "DATA_DIR", str(tmp_path / "tfds"))
    return lambda *arguments: CliRunner().invoke(app, ["data", *arguments])


def test_a_data_set_with_boxes_is_got_by_a_command(tmp_path, command, monkeypatch):
    make_voc(tmp_path / "archives", "2007", 1)
    # A miniature is not taken for the whole.
    done = command("get", "voc2007")
    assert done.exit_code == 1
    expected = "(20, 5011, 4952). Received: (20, 4, 2)"
    assert f"must have (classes, training images, test images) {expected}" in done.stderr
    monkeypatch.setitem(DETECTION_IMAGES, "voc2007", (4, 2))
    done = command("get", "voc2007")
    assert done.exit_code == 0, done.stderr
    assert f"{tmp_path / 'cache' / 'voc2007'}: 20 classes, SHA-256 " in done.stdout
    assert "train 4 images, 8 boxes\n  test  2 images, 4 boxes" in done.stdout
    listed = command("list").stdout
    assert "voc2007         " in listed and "4 training and 2 test images of 20 classes" in listed
    assert "not here: cifar10, imagenet2012, coco2014, coco2017, voc2012, voc0712\n" in listed


def test_the_command_says_what_cannot_be_got(command):
    done = command("get", "coco2017")
    assert done.exit_code == 1
    assert "data for coco2017 cannot be used" in done.stderr
    for option, owner in data_get.OWNER.items():
        value = [] if option == "verify" else ["a"]
        done = command("get", "voc0712", f"--{option}", *value)
        assert done.exit_code == 2
        rule = f"--{option} is for {owner} only. Received: --{option} with voc0712"
        assert rule in done.stderr

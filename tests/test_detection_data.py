"""Images with boxes: their specs, and what is read of files in COCO's format and refused."""

import json

import numpy as np
import pytest
import yaml
from conftest import bench
from detection_files import CATEGORIES, add, box, make_set, make_split, spec_of
from photograph_files import make_tree
from pydantic import ValidationError

from benchmark.data import cache
from benchmark.data.detection import coco_json, registry
from benchmark.data.detection.example import Example, clipped, joined, without_degenerate
from benchmark.data.images import DataError
from benchmark.data.photographs import registry as photographs
from benchmark.spec import BoxesSpec
from benchmark.suite import load_suite

CONTENT = {"classes": 2, "train_images": 7, "test_images": 5, "sha256": "0" * 64}
OWN = {"name": "mine", "content": CONTENT}


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))


# Specs


def test_the_papers_scale_is_the_default():
    spec = BoxesSpec(name="coco2014")
    assert (spec.shorter_side, spec.longest_side, spec.flip) == (600, 1000, True)
    assert (spec.classes, spec.train_images, spec.test_images) == (80, 82_783, 40_504)
    assert spec.canonical_json() == '{"kind":"boxes","name":"coco2014"}'
    assert BoxesSpec(name="voc0712").train_images == 5_011 + 11_540


def test_what_a_run_asks_of_any_data_set():
    spec = BoxesSpec(name="voc2007", shorter_side=300, longest_side=500)
    assert next(iter(spec.model_dump())) == "kind"
    assert (spec.kind, spec.normalization) == ("boxes", "torch")
    assert spec.image_shape == (500, 500, 3)
    assert (spec.held_out_images, spec.voc_year) == (0, 2007)
    assert BoxesSpec(name="coco2014").voc_year is None


@pytest.mark.parametrize(
    "fields",
    [{"name": "voc2007", "flip": False}, OWN, {"name": "pasted-cifar", "pasted": {"side": 96}}],
)
def test_specs_survive_json(fields):
    spec = BoxesSpec.model_validate(fields)
    assert BoxesSpec.model_validate_json(spec.canonical_json()) == spec
    assert BoxesSpec.model_validate(spec.model_dump(mode="json")).digest() == spec.digest()


def test_pasted_canvases_are_shown_in_their_own_size():
    spec = BoxesSpec(name="pasted-cifar")
    assert (spec.shorter_side, spec.longest_side) == (128, 128)
    assert (spec.classes, spec.train_images, spec.test_images) == (10, 2000, 200)
    spec = BoxesSpec.model_validate({"name": "pasted-cifar", "pasted": {"side": 96}})
    assert (spec.shorter_side, spec.longest_side) == (96, 96)
    spec = BoxesSpec(name="pasted-cifar", shorter_side=64, longest_side=64)
    assert (spec.shorter_side, spec.longest_side) == (64, 64)


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"name": "mine"}, "must be 'coco2014'"),
        ({"name": "coco2014", "content": CONTENT}, "only to images of your own"),
        (OWN | {"pasted": {}}, "applies only to pasted-cifar"),
        (OWN | {"longest_side": 400}, "at least shorter_side"),
        (OWN | {"max_boxes": 0}, "greater than or equal to 1"),
        (OWN | {"kind": "classes"}, "'boxes'"),
        (OWN | {"normalization": "none"}, "'torch', 'caffe' or 'pretrained'"),
        ({"name": "pasted-cifar", "pasted": {"max_scale": 2.5}}, r"side / 64 \(2\)"),
        ({"name": "pasted-cifar", "pasted": {"min_scale": 2.0}}, r"min_scale \(2\)"),
        ({"name": "pasted-cifar", "pasted": {"side": "big"}}, "valid integer"),
        ({"name": "pasted-cifar", "pasted": 3}, "pasted"),
        ({"name": "pasted-cifar", "pasted": {"only_classes": [1, 10]}}, "classes from 0 to 9"),
        ({"name": "pasted-cifar", "pasted": {"only_classes": [1, 1]}}, "each once"),
    ],
)
def test_specs_that_do_not_fit_are_refused(fields, rule):
    with pytest.raises(ValidationError, match=rule):
        BoxesSpec.model_validate(fields)


# The truth


def example(boxes, height=50, width=100, image_id=1, crowds=None):
    count = len(boxes)
    return Example(
        image_id,
        height,
        width,
        np.array(boxes, np.float32).reshape(-1, 4),
        np.arange(count, dtype=np.int32),
        np.array(crowds if crowds else [False] * count),
        np.arange(count, dtype=np.float32),
    )


def test_boxes_end_at_the_edges():
    boxes = np.array([[-3, -4, 200, 60], [1.5, 2, 3, 4]], np.float32)
    np.testing.assert_array_equal(clipped(boxes, 50, 100), [[0, 0, 100, 50], [1.5, 2, 3, 4]])


def test_boxes_without_an_area_in_the_image_are_dropped_and_counted():
    kept, dropped = without_degenerate(
        example([[5, 5, 5, 9], [-9, 0, 1, 1], [100, 0, 110, 9], [9, 9, 8, 12], [0, -5, 9, 0]])
    )
    assert dropped == 4
    assert kept.boxes.tolist() == [[-9, 0, 1, 1]], "what is left is as it was stated"
    assert (kept.labels.tolist(), kept.areas.tolist()) == ([1], [1.0])


def test_images_are_found_by_their_place():
    parts = [
        example([[0, 0, 1, 1], [0, 0, 2, 2]], image_id=7, crowds=[True, False]),
        example([], image_id=3),
        example([[0, 0, 3, 3]], image_id=5, crowds=[True]),
    ]
    truths = joined(parts)
    assert len(truths) == 3
    assert truths.objects.tolist() == [1, 0, 0]
    for place, part in enumerate(parts):
        assert truths[place].image_id == part.image_id
        np.testing.assert_array_equal(truths[place].boxes, part.boxes)
        np.testing.assert_array_equal(truths[place].crowds, part.crowds)
    with pytest.raises(ValueError, match="unique"):
        joined([parts[0], parts[0]])


# COCO's format


def test_what_was_added_is_found_again(tmp_path):
    added = add("mine", tmp_path)
    found = registry.load(spec_of(added))
    assert registry.ADDED.names() == ["mine"]
    assert found.classes == ["china", "flower"], "in the order of the categories' ids"
    assert found.category_ids == [4, 9]
    assert found.content == added.content
    assert (found.content.train_images, found.content.test_images) == (7, 5)
    train = found.truths["train"]
    assert train.ids.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert train.counts.tolist() == [2, 1, 1, 1, 1, 1, 0]
    first = train[0]
    np.testing.assert_array_equal(first.boxes, [[1, 2, 31, 44], [1, 2, 31, 44]])
    assert first.labels.tolist() == [0, 0] and first.areas.tolist() == [1260, 1260]
    assert train[1].labels.tolist() == [1]
    content = found.images.encoded("test", 2)
    assert content == (tmp_path / "test" / "0103.jpg").read_bytes()
    assert found.degenerate == {"train": 0, "test": 0}


def test_crowds_areas_and_degenerate_boxes(tmp_path):
    train = make_split(
        tmp_path,
        "train",
        [5, 2],
        [
            box(5, 4, (1, 1, 9, 9), iscrowd=1, area=44.5),
            box(5, 9, (1, 1, 0, 9)),
            box(5, 9, (-50, 1, 20, 9)),
            box(2, 9, (-5, -5, 10, 10)),
        ],
    )
    found = coco_json.add("mine", train, make_split(tmp_path, "test", [1], []))
    assert found.degenerate == {"train": 2, "test": 0}
    assert found.truths["train"].ids.tolist() == [2, 5], "images go by their ids"
    crowd = found.truths["train"][1]
    assert crowd.crowds.tolist() == [True] and crowd.areas.tolist() == [44.5]
    assert found.truths["train"][0].boxes.tolist() == [[-5, -5, 5, 5]]
    assert found.truths["train"].objects.tolist() == [1, 0]
    assert len(found.truths["test"].boxes) == 0


def test_the_digest_is_that_of_the_content_not_of_its_place(tmp_path):
    one = add("mine", tmp_path / "one").sha256
    assert add("mine", tmp_path / "two").sha256 == one
    files = make_set(tmp_path / "three")
    (tmp_path / "three" / "train" / "0003.jpg").write_bytes(
        (tmp_path / "three" / "train" / "0003.jpg").read_bytes() + b"\0"
    )
    assert coco_json.add("mine", *files).sha256 != one
    files = make_set(tmp_path / "four")
    text = files[0][0].read_text()
    assert "[3, 6, 30, 42]" in text
    files[0][0].write_text(text.replace("[3, 6, 30, 42]", "[3, 6, 30, 44]"))
    assert coco_json.add("mine", *files).sha256 != one


def refused(tmp_path, match, **fields):
    split = make_split(tmp_path, "train", [1, 2], **{"annotations": []} | fields)
    with pytest.raises(DataError, match=match) as error:
        coco_json.read_annotations(split[0])
    assert str(split[0]) in str(error.value), "the file is named"
    assert "Received: " in str(error.value)


@pytest.mark.parametrize(
    ("entry", "match"),
    [
        (box(3), r"annotations\[1\].image_id must be the id of one of 'images'. Received: 3"),
        (box(1, 5), r"annotations\[1\].category_id must be the id of .* Received: 5"),
        (box(1, bbox=(1, 2, 3)), r"annotations\[1\].bbox must be four finite numbers"),
        (box(1, bbox=(1, 2, 3, "4")), "four finite numbers"),
        (box(1, bbox=(1, 2, 3, True)), "four finite numbers"),
        (box(1, bbox=(1, 2, 3, float("nan"))), "four finite numbers"),
        (box(1, bbox=(1, 2, -3, 4)), "no negative width or height"),
        (box(1, iscrowd=2), "iscrowd must be 0 or 1. Received: 2"),
        (box(1, area=-1), r"area must be a number .*Received: -1"),
        ({"image_id": 1, "category_id": 9}, "four finite numbers.*Received: None"),
    ],
)
def test_annotations_that_are_wrong_are_named(tmp_path, entry, match):
    refused(tmp_path, match, annotations=[box(1), entry])


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"annotations": None}, "must have a list of objects 'annotations'. Received: None"),
        ({"images": [3]}, "list of objects 'images'"),
        ({"images": []}, "must list images and categories"),
        ({"categories": []}, "must list images and categories"),
        (
            {"categories": [{"id": 1}]},
            r"categories\[0\].name must be a non-empty string. Received: None",
        ),
        ({"categories": [*CATEGORIES, CATEGORIES[0]]}, r"categories\[2\].id must be unique"),
        ({"images": [{"id": "1"}]}, r"images\[0\].id must be an integer from 0 to"),
        ({"images": [{"id": 1, "file_name": "../a.jpg"}]}, "file_name must lie in the folder"),
        ({"images": [{"id": 1, "file_name": "/etc/a.jpg"}]}, "file_name must lie in the folder"),
        (
            {"images": [{"id": 1, "file_name": "a.jpg", "height": 0}]},
            r"images\[0\].height must be an integer from 1 to .* Received: 0",
        ),
    ],
)
def test_lists_that_are_wrong_are_named(tmp_path, fields, match):
    refused(tmp_path, match, **fields)


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.json must be readable"):
        coco_json.read_annotations(tmp_path / "none.json")
    (tmp_path / "half.json").write_text('{"images": [')
    with pytest.raises(DataError, match=r"half\.json must be JSON"):
        coco_json.read_annotations(tmp_path / "half.json")


def test_images_that_are_missing_damaged_or_of_another_size_are_named(tmp_path):
    train, test = make_set(tmp_path)
    path = test[1] / "0102.jpg"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"0102\.jpg must be an image that can be decoded"):
        coco_json.add("mine", train, test)
    path.unlink()
    with pytest.raises(DataError, match=r"0102\.jpg must be readable"):
        coco_json.add("mine", train, test)
    path.write_bytes((test[1] / "0104.jpg").read_bytes())
    with pytest.raises(DataError, match=r"0102\.jpg must have the height and width"):
        coco_json.add("mine", train, test)
    assert registry.ADDED.names() == [], "nothing was added"


def test_both_files_must_have_the_same_categories(tmp_path):
    train = make_split(tmp_path, "train", [1], [])
    test = make_split(tmp_path, "test", [2], [], categories=CATEGORIES[:1])
    with pytest.raises(DataError, match=r"must have the categories of .*\(4, 'china'\)"):
        coco_json.add("mine", train, test)


@pytest.mark.parametrize("name", ["coco2014", "cifar10", "pasted-cifar", "a/b", ".a", "taken"])
def test_names_that_are_taken_or_none_are_refused(tmp_path, name):
    (tmp_path / "cache" / "taken").mkdir(parents=True)
    with pytest.raises(DataError, match="name must"):
        coco_json.add(name, *make_set(tmp_path))
    with pytest.raises(DataError, match="name must"):
        photographs.add(name, tmp_path)


def test_a_name_is_that_of_one_kind_of_images_alone(tmp_path):
    add("boxes", tmp_path)
    photographs.add("photographs", make_tree(tmp_path / "tree", train=1, test=1))
    with pytest.raises(DataError, match="nothing else in the cache has"):
        add("photographs", tmp_path)
    with pytest.raises(DataError, match="nothing else in the cache has"):
        photographs.add("boxes", tmp_path / "tree")


def test_what_changed_since_is_told(tmp_path):
    added = add("mine", tmp_path)
    spec = spec_of(added)
    path = tmp_path / "train" / "0003.jpg"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(DataError, match=r"0003\.jpg must be as it was when it was added"):
        registry.load(spec)
    other = spec.model_copy(
        update={"content": spec.content.model_copy(update={"sha256": "1" * 64})}
    )
    with pytest.raises(DataError, match="must have the content that its spec states"):
        registry.load(other)
    with pytest.raises(DataError, match=r"none must be in .* data add-boxes none --train"):
        registry.find("none")
    index = tmp_path / "cache" / "mine" / registry.ADDED.index
    whole = json.loads(index.read_text())
    for damage in ({"classes": ["one"]}, {"where": {"train": whole["where"]["train"]}}):
        index.write_text(json.dumps(whole | damage))
        with pytest.raises(DataError, match="must hold a complete list"):
            registry.find("mine")


# Commands


def options(train, test):
    return ["--train", *train, "--test", *test]


def test_boxes_are_added_and_listed_by_commands(tmp_path):
    flat = [box(1), box(1, bbox=(1, 1, 0, 9)), box(2, bbox=(-50, 1, 20, 9))]
    train = make_split(tmp_path, "train", [1, 2], flat)
    test = make_split(tmp_path, "test", [1], [box(1)])
    done = bench("data", "add-boxes", "mine", *options(train, test))
    assert done.returncode == 0, done.stderr
    assert f"{tmp_path / 'cache' / 'mine'}: 2 classes" in done.stdout
    assert "train 2 images, 1 boxes (2 with no area inside their image are left" in done.stdout
    assert "test  1 images, 1 boxes\n" in done.stdout
    # What it prints is what a suite states.
    stated = yaml.safe_load(done.stdout[done.stdout.index("  dataset:") :])
    base = {
        **stated,
        "model": {"stem": "imagenet", "depth": 18, "shortcut": "B"},
        "detector": {},
        "optimizer": {"batch_size": 2},
    }
    suite = {"name": "mine", "source": "a test", "base": base, "seeds": [0]}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(suite))
    (cell,) = load_suite(tmp_path / "mine.yaml").plan.cells
    assert registry.load(cell.spec.dataset).content == cell.spec.dataset.content
    listed = f"mine            {train[1]}: 2 training and 1 test images of 2 classes, with boxes\n"
    assert listed in bench("data", "list").stdout
    (tmp_path / "cache" / "mine" / registry.ADDED.index).write_text("{")
    assert "must hold a complete list of images with boxes; add" in bench("data", "list").stdout


@pytest.mark.parametrize(
    ("name", "folder", "said"),
    [
        ("voc2007", "test", "name must not be that of a known data set. Received: voc2007"),
        ("mine", "nowhere", "nowhere/0101.jpg must be readable"),
    ],
)
def test_add_boxes_says_what_is_wrong(tmp_path, name, folder, said):
    train, (file, _) = make_set(tmp_path, train=2, test=1)
    done = bench("data", "add-boxes", name, *options(train, (file, tmp_path / folder)))
    assert done.returncode == 1 and said in done.stderr
    assert "Traceback" not in done.stderr and registry.ADDED.names() == []


def test_add_boxes_needs_both_splits_each_with_its_folder(tmp_path):
    train, test = make_set(tmp_path, train=1, test=1)
    done = bench("data", "add-boxes", "mine", "--train", *train)
    assert done.returncode == 2 and "Missing option '--test'" in done.stderr
    done = bench("data", "add-boxes", "mine", "--train", *train, "--test", test[0])
    assert done.returncode == 2 and "'--test' requires 2 arguments" in done.stderr

"""Class-per-folder trees, what was added, and what is refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import bench
from photograph_files import CLASSES, cut, encoded, make_tree, names, spec_of
from PIL import Image

from benchmark.data import cache, cifar10
from benchmark.data.images import DataError
from benchmark.data.photographs import registry
from benchmark.data.photographs.stream import StreamedImages
from benchmark.data.photographs.tree import read_tree
from benchmark.spec import PhotographsSpec
from benchmark.suite import load_suite


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def whole_tree(tmp_path_factory):
    return make_tree(tmp_path_factory.mktemp("whole"), train=3, test=2)


@pytest.fixture
def tree(whole_tree, tmp_path):
    return shutil.copytree(whole_tree, tmp_path / "tree")


# Trees


def test_a_tree_is_listed_by_class_and_name(tree):
    (tree / "train" / "china" / "deeper").mkdir()
    (tree / "train" / "china" / "china_1.jpg").rename(tree / "train/china/deeper/A.JPEG")
    (tree / "train" / "flower" / "flower_2.jpg").write_bytes(encoded(cut("flower", 2), "PNG"))
    (tree / "train" / "flower" / ".hidden.jpg").write_bytes(b"no image")
    (tree / "train" / "flower" / "notes.txt").write_text("no image")
    (tree / ".cache").mkdir()
    found = read_tree(tree)
    assert found.classes == ["china", "flower"]
    assert names(found.columns["train"]) == [
        "train/china/china_0.jpg",
        "train/china/china_2.jpg",
        "train/china/deeper/A.JPEG",
        "train/flower/flower_0.jpg",
        "train/flower/flower_1.jpg",
        "train/flower/flower_2.jpg",
    ]
    assert found.columns["train"]["label"].tolist() == [0, 0, 0, 1, 1, 1]
    sizes = [(tree / name).stat().st_size for name in names(found.columns["test"])]
    assert found.columns["test"]["size"].tolist() == sizes
    assert found.columns["test"]["label"].tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("name", ["validation", "test"])
def test_the_scored_folder_may_have_other_names(tree, name):
    expected = read_tree(tree).columns["test"]
    (tree / "val").rename(tree / name)
    received = read_tree(tree).columns["test"]
    assert [each.split("/", 1)[1] for each in names(received)] == [
        each.split("/", 1)[1] for each in names(expected)
    ]
    assert names(received)[0].startswith(f"{name}/")


def as_tiny_imagenet(tree):
    """Tiny ImageNet's layout: deeper train folders, one val folder with annotations, a test folder
    without labels."""
    lines = []
    images = tree / "val" / "images"
    images.mkdir()
    for name in CLASSES:
        inner = tree / "train" / name
        (inner / "images").mkdir()
        for path in inner.glob("*.jpg"):
            path.rename(inner / "images" / f"{path.stem}.JPEG")
        (inner / f"{name}_boxes.txt").write_text("boxes")
        for path in sorted((tree / "val" / name).iterdir()):
            path.rename(images / f"val_{len(lines)}.JPEG")
            lines.append(f"val_{len(lines)}.JPEG\t{name}\t0\t0\t62\t62")
        (tree / "val" / name).rmdir()
    (tree / "val" / "val_annotations.txt").write_text("\n".join(lines[::-1]) + "\n")
    (tree / "test" / "images").mkdir(parents=True)
    (tree / "test" / "images" / "test_0.JPEG").write_bytes(b"not looked at")
    return tree


def test_tiny_imagenets_layout(tree):
    found = read_tree(as_tiny_imagenet(tree))
    assert names(found.columns["train"])[0] == "train/china/images/china_0.JPEG"
    assert names(found.columns["test"]) == [f"val/images/val_{n}.JPEG" for n in range(4)]
    assert found.columns["test"]["label"].tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda t: t.replace("china", "tree", 1),
            "val_annotations.txt:3 must name a class of train",
        ),
        (lambda t: t.split("\n", 1)[1], "a line for each file .*Received: val_3.JPEG on one side"),
        (lambda t: t + "val_9.JPEG\tchina\n", "a line for each file .*Received: val_9.JPEG"),
        (lambda t: "val_0.JPEG china\n", "val_annotations.txt:1 must name a class of train"),
    ],
)
def test_wrong_annotations_are_refused(tree, change, said):
    file = as_tiny_imagenet(tree) / "val" / "val_annotations.txt"
    file.write_text(change(file.read_text()))
    with pytest.raises(DataError, match=said):
        read_tree(tree)


def damage(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


HALF = encoded(cut("china", 3))[:1000]
PADDED = HALF + bytes(2000)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: shutil.rmtree(t), "must have a folder train"),
        (lambda t: shutil.rmtree(t / "val"), "folder val or validation or test"),
        (lambda t: shutil.rmtree(t / "train" / "china"), "two or more classes"),
        (lambda t: [shutil.rmtree(t / "val" / each) for each in CLASSES], "val must hold images"),
        (lambda t: (t / "val" / "tree").mkdir(), "hold classes of train alone. Received: tree"),
        (lambda t: (t / "train" / "tree").mkdir(), "train/tree must hold images .*: none"),
        (lambda t: damage(t / "train/china/b.webp", b""), "b.webp must be a JPEG or PNG file"),
        (lambda t: damage(t / "train/china/b.jpg", b""), "b.jpg must be a JPEG or PNG file"),
        (lambda t: damage(t / "val/china/b.jpg", b"GIF89a"), "val/china/b.jpg must be a JPEG or"),
        (lambda t: damage(t / "train/china/b.jpg", PADDED), "b.jpg must be an image that can be"),
        (lambda t: damage(t / "train/china/b.jpg", HALF), "b.jpg must be .* Received: jpeg"),
    ],
)  # fmt: skip
def test_trees_that_are_none_are_refused(tree, change, said):
    change(tree)
    with pytest.raises(DataError, match=said):
        registry.add("mine", tree)
    assert registry.ADDED.names() == []


def test_the_digest_is_that_of_names_classes_and_content(tree):
    before = read_tree(tree).sha256
    assert read_tree(shutil.copytree(tree, tree.parent / "elsewhere")).sha256 == before
    path = tree / "train" / "china" / "china_0.jpg"
    content = path.read_bytes()
    path.rename(path.with_name("a.jpg"))
    assert read_tree(tree).sha256 != before
    path.with_name("a.jpg").rename(path)
    assert read_tree(tree).sha256 == before
    path.write_bytes(content + b"\0")
    assert read_tree(tree).sha256 != before


# What was added


def test_what_is_added_is_found_again(tree):
    added = registry.add("mine", tree)
    found = registry.load(spec_of(added))
    assert registry.ADDED.names() == ["mine"]
    assert found.content == added.content
    assert found.content.train_images == 6 and found.content.test_images == 4
    assert found.source.encoded("test", 0) == (tree / "val/china/china_3.jpg").read_bytes()


def test_other_content_than_a_spec_states_is_refused(tree):
    added = registry.add("mine", tree)
    spec = spec_of(added)
    (tree / "train" / "china" / "china_9.jpg").write_bytes(encoded(cut("china", 9)))
    registry.load(spec)
    registry.add("mine", tree)
    with pytest.raises(DataError, match=r"mine must have the content.*train_images=6.*Received"):
        registry.load(spec)


def test_a_failed_add_leaves_what_was_there(tree):
    added = registry.add("mine", tree)
    shutil.rmtree(tree / "val")
    with pytest.raises(DataError):
        registry.add("mine", tree)
    assert registry.find("mine").content == added.content
    assert [path.name for path in cache.cache_folder().iterdir()] == ["mine"]


@pytest.mark.parametrize("name", ["cifar10", "imagenet2012", "../up", ".hidden", "", "a b"])
def test_names_that_are_none_are_refused(tree, name):
    with pytest.raises(DataError, match="name must"):
        registry.add(name, tree)


def test_other_things_in_the_cache_are_not_replaced(tree):
    (cache.cache_folder() / "mine").mkdir(parents=True)
    with pytest.raises(DataError, match="one that nothing else in the cache has"):
        registry.add("mine", tree)


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-4])


@pytest.mark.parametrize(
    "change",
    [
        lambda f: cut_short(f / "index.json"),
        lambda f: cut_short(f / "train_names.npy"),
        lambda f: (f / "test_labels.npy").unlink(),
        lambda f: np.save(f / "test_labels.npy", np.full(4, 2, np.int32)),
        lambda f: np.save(f / "train_sizes.npy", np.zeros(3, np.int64)),
        lambda f: (f / "index.json").write_text("[]"),
        lambda f: (f / "index.json").write_text('{"kind": "other"}'),
    ],
)
def test_a_damaged_list_is_refused(tree, change):
    added = registry.add("mine", tree)
    change(added.folder)
    with pytest.raises(DataError, match="cache/mine must hold a complete list of photographs; add"):
        registry.find("mine")


def test_damaged_statistics_are_taken_anew(tree):
    added = registry.add("mine", tree)

    before = stream(added).normalization.mean
    (file,) = added.folder.glob("statistics-*")
    assert file.name == "statistics-32-36-6.npz"
    cut_short(file)
    np.testing.assert_array_equal(stream(added).normalization.mean, before)
    assert [path.name for path in added.folder.glob("*statistics*")] == [file.name]


def test_what_was_not_added_says_how_to():
    with pytest.raises(DataError, match="resnet-bench data get imagenet2012 --folder FOLDER"):
        registry.load(PhotographsSpec.model_validate({"name": "imagenet2012"}))
    with pytest.raises(DataError, match="resnet-bench data add mine FOLDER"):
        registry.find("mine")


# Files that are no longer what they were


def stream(added):
    return StreamedImages(spec_of(added), added)


def test_a_file_that_goes_missing_is_named_when_it_is_loaded_and_when_it_is_read(tree):
    added = registry.add("mine", tree)
    data = stream(added)
    gone = tree / "train" / "flower" / "flower_2.jpg"
    content = gone.read_bytes()
    gone.unlink()
    with pytest.raises(DataError, match=r"flower_2.jpg must be as it was.*No such file"):
        registry.load(spec_of(added))
    with pytest.raises(DataError, match=r"flower_2.jpg must be as it was.*No such file"):
        for iteration in range(4):
            data.train_inputs(0, 2, iteration, 1)
    gone.write_bytes(b"short")
    with pytest.raises(DataError, match=r"flower_2.jpg must be as it was.*Received: 5 bytes, not"):
        registry.load(spec_of(added))
    gone.write_bytes(content)
    for received, expected in zip(
        data.train_inputs(0, 2, iteration, 1),
        stream(added).train_inputs(0, 2, iteration, 1),
        strict=True,
    ):
        np.testing.assert_array_equal(received, expected)


@pytest.mark.parametrize("damage_at", ["head", "middle"])
def test_a_file_that_is_damaged_in_its_size_is_named_when_it_is_decoded(tree, damage_at):
    added = registry.add("mine", tree)
    data = stream(added)
    list(data.scored_inputs("test", 4))
    path = tree / "val" / "china" / "china_4.jpg"
    content = path.read_bytes()
    kept = 1 if damage_at == "head" else len(content) // 2
    path.write_bytes(content[:kept] + bytes(len(content) - kept))
    with pytest.raises(DataError, match=r"china_4\.jpg must be a.*Received: "):
        list(data.scored_inputs("test", 4))
    path.write_bytes(content)
    assert len(list(data.scored_inputs("test", 4))) == 1


# CIFAR-10 as files


def test_cifar_10_as_files_is_the_data_set_that_suites_name(tmp_path):
    folder = tmp_path / "files"
    done = bench("data", "export", "cifar10-subset", folder)
    assert done.returncode == 0, done.stderr
    assert "6,000 images. Next: resnet-bench data add cifar10-subset-files" in done.stdout
    added = registry.add("cifar10-subset-files", folder)
    (spec, *_) = (cell.spec for cell in load_suite("suites/short/table3.yaml").plan.cells)
    assert added.content == spec.dataset.content
    assert registry.load(spec.dataset).content == added.content
    images, listing = cifar10.load("cifar10-subset"), added.source.columns["test"]
    assert len(names(listing)) == 1000
    for index in (0, 499, 999):
        number = int(Path(names(listing)[index]).stem)
        pixels = np.asarray(Image.open(added.source.path("test", index)))
        np.testing.assert_array_equal(pixels, images.test_images[number])
        assert listing["label"][index] == images.test_labels[number]
    again = bench("data", "export", "cifar10-subset", folder)
    assert again.returncode == 2 and "folder must be a new one" in again.stderr
    wrong = bench("data", "export", "cifar100", tmp_path / "others")
    assert wrong.returncode == 2 and "cifar10 or cifar10-subset. Received: cifar100" in wrong.stderr

"""Files that are not read, images that are there twice, files that were changed, odd boxes: each is
refused by name, or counted, told and recorded."""

import io
import json
import os
import shutil

import numpy as np
import pytest
from conftest import bench, bench_alone
from detection_files import add, box, image, make_set, make_split
from detection_files import spec_of as spec_of_boxes
from photograph_files import cut, encoded, make_tree, spec_of
from PIL import Image

from benchmark.data import cache, contents, notes, sources
from benchmark.data.detection import coco_json
from benchmark.data.images import DataError
from benchmark.data.photographs import registry
from benchmark.data.photographs.files import checked_content
from benchmark.data.photographs.tree import read_tree
from benchmark.records import Store
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


def picture(kind, **options):
    return encoded(cut("china", 5), kind, **options)


# Files that are not read


OTHERS = [
    *("jfif", "jpe", "JPE", "bmp", "gif", "ppm", "pgm", "tiff", "webp", "heic", "avif", "jp2"),
    *("tga", "svg", "ico", "cr2", "dng", "psd", "jxl", "pbm", "qoi"),
]


@pytest.mark.parametrize("suffix", OTHERS)
@pytest.mark.parametrize("place", ["train/china", "val/flower/deeper", "train"])
def test_images_of_other_formats_are_refused_by_name(tree, suffix, place):
    file = tree / place / f"one.{suffix}"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"whatever")
    with pytest.raises(DataError) as refused:
        read_tree(tree)
    assert str(file) in str(refused.value) and f".{suffix}" in str(refused.value)


KINDS = [("JPEG", "bak"), ("PNG", ""), ("GIF", "dat"), ("PPM", "txt"), ("WEBP", "img"),
         ("TIFF", "x"), ("BMP", "y")]  # fmt: skip


@pytest.mark.parametrize(("kind", "suffix"), KINDS)
def test_images_with_other_names_are_refused_by_their_content(tree, kind, suffix):
    file = tree / "train" / "china" / f"one{suffix and '.'}{suffix}"
    file.write_bytes(picture(kind))
    with pytest.raises(DataError) as refused:
        read_tree(tree)
    assert str(file) in str(refused.value)


def test_what_is_no_image_is_counted_by_kind_and_split(tree):
    for name, content in {
        "train/china/notes.txt": "text",
        "train/flower/b.TXT": "text",
        "train/flower/.DS_Store": "",
        "train/flower/Thumbs.db": "",
        "train/.ipynb_checkpoints/a.jpg": "",
        "train/labels.csv": "a,b",
        "val/china/._china_3.jpg": "",
        "val/flower/deeper/boxes.xml": "<xml>",
        "val/README": "text",
        "README.md": "text",
        "extra/china/a.jpg": "",
        ".git/HEAD": "text",
    }.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(content)
    expected = {
        "train": {".txt": 2, "hidden": 3, ".csv": 1},
        "test": {"hidden": 1, ".xml": 1, "without a suffix": 1},
        "elsewhere": {".md": 1, ".jpg": 1, "hidden": 1},
    }
    assert read_tree(tree).not_read == expected
    assert registry.add("mine", tree).noted["not_read"] == expected
    assert registry.find("mine").noted["not_read"] == expected
    told = notes.lines(registry.find("mine").noted)
    assert len(told) == 3 and "2 .txt" in told[0] and "3 hidden" in told[0]


def test_the_count_of_what_is_not_read_is_no_part_of_the_content(tree):
    before = read_tree(tree).sha256
    (tree / "train" / "china" / "notes.txt").write_text("text")
    assert read_tree(tree).sha256 == before


@pytest.mark.parametrize("split", ["train", "val"])
def test_images_beside_the_folders_of_classes_are_named(tree, split):
    for name in ("a.jpg", "b.png"):
        (tree / split / name).write_bytes(picture("JPEG"))
    with pytest.raises(DataError) as refused:
        read_tree(tree)
    assert "2 images" in str(refused.value) and str(tree / split) in str(refused.value)


def test_images_of_val_without_folders_of_classes_are_told_as_such(tree):
    for number, path in enumerate(sorted((tree / "val").glob("*/*"))):
        path.rename(tree / "val" / f"{number}.jpg")
    for each in ("china", "flower"):
        (tree / "val" / each).rmdir()
    with pytest.raises(DataError, match=r"a folder for each class.* 4 images.* no folder"):
        read_tree(tree)


def test_folders_behind_links_are_read_and_what_leads_nowhere_is_named(tree, tmp_path):
    more = tmp_path / "more"
    more.mkdir()
    (more / "a.jpg").write_bytes(picture("JPEG"))
    (tree / "train" / "china" / "more").symlink_to(more)
    assert len(read_tree(tree).columns["train"]["name"]) == 7
    (more / "round").symlink_to(more)
    with pytest.raises(DataError, match="round must not link back"):
        read_tree(tree)
    (more / "round").unlink()
    (more / "b.jpg").symlink_to("nowhere")
    with pytest.raises(DataError, match=r"b\.jpg must lead to a file.*nowhere"):
        read_tree(tree)
    (more / "b.jpg").unlink()
    os.mkfifo(more / "c.jpg")
    with pytest.raises(DataError, match=r"c\.jpg must be a file"):
        read_tree(tree)


def test_files_that_no_annotations_name_are_counted(tmp_path):
    train, test = make_set(tmp_path, train=2, test=2)
    for name in ("other.jpg", "deeper/another.JPG", "notes.txt", ".DS_Store"):
        (train[1] / name).parent.mkdir(exist_ok=True)
        (train[1] / name).write_bytes(b"not looked at")
    left = coco_json.add("mine", train, test).noted["not_read"]
    assert left == {"train": {".jpg": 2, ".txt": 1, "hidden": 1}, "test": {}}


def test_of_a_folder_of_both_splits_each_file_is_counted_once(tmp_path):
    train, test = make_set(tmp_path, train=2, test=2)
    for path in test[1].iterdir():
        path.rename(train[1] / path.name)
    (train[1] / "other.jpg").write_bytes(b"not looked at")
    left = coco_json.add("mine", train, (test[0], train[1])).noted["not_read"]
    assert left == {"train": {".jpg": 1}}


# What is there twice


def test_the_same_image_in_both_splits_and_twice_in_one_is_counted(tree):
    assert set(registry.add("mine", tree).noted["repeated"].values()) == {0}
    china = tree / "train" / "china"
    shutil.copy(china / "china_0.jpg", tree / "val" / "china" / "a.jpg")
    shutil.copy(china / "china_0.jpg", tree / "val" / "china" / "b.jpg")
    shutil.copy(china / "china_1.jpg", china / "c.jpg")
    shutil.copy(china / "china_2.jpg", tree / "train" / "flower" / "d.jpg")
    found = registry.add("mine", tree).noted["repeated"]
    assert found == {"train": 2, "test": 1, "test_in_train": 2, "in_other_classes": 2}
    assert len(notes.lines(registry.find("mine").noted)) == 4


def test_the_same_file_in_two_sets_of_annotations_is_counted(tmp_path):
    train, test = make_set(tmp_path, train=2, test=2)
    shutil.copy(train[1] / "0001.jpg", test[1] / "0101.jpg")
    text = test[0].read_text()
    height, width = image(101).shape[:2]
    high, wide = image(1).shape[:2]
    test[0].write_text(
        text.replace(
            f'"height": {height}, "width": {width}', f'"height": {high}, "width": {wide}', 1
        )
    )
    found = coco_json.add("mine", train, test).noted["repeated"]
    assert found["test_in_train"] == 1 and found["train"] == found["test"] == 0


# What was changed under the same size


def turned(content):
    """Another image of as many bytes: the last comment's letters are others."""
    at = content.rindex(b"comment")
    return content[:at] + b"TNEMMOC" + content[at + 7 :]


@pytest.fixture
def commented(tree):
    path = tree / "train" / "china" / "china_1.jpg"
    path.write_bytes(picture("JPEG", comment=b"comment"))
    return path


def test_a_photograph_that_was_changed_under_its_size_is_named_as_it_is_read(tree, commented):
    added = registry.add("mine", tree)
    assert added.checked == "sha256"
    source = sources.load(spec_of(added)).source
    before = commented.stat()
    assert source.encoded("train", 1) == commented.read_bytes()
    commented.write_bytes(turned(commented.read_bytes()))
    os.utime(commented, ns=(before.st_atime_ns, before.st_mtime_ns))
    for fresh in (source, sources.load(spec_of(added)).source):
        assert fresh.encoded("train", 0)
        with pytest.raises(DataError, match=r"china_1\.jpg must be as it was"):
            fresh.encoded("train", 1)


def test_an_image_with_boxes_that_was_changed_is_named_as_it_is_read(tmp_path):
    added = add("mine", tmp_path, train=2, test=1)
    assert added.checked == "sha256"
    path = tmp_path / "train" / "0002.jpg"
    content = path.read_bytes()
    assert added.images.encoded("train", 1) == content
    path.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
    with pytest.raises(DataError, match=r"0002\.jpg must be as it was"):
        added.images.encoded("train", 1)


def test_lists_of_an_earlier_version_say_that_sizes_alone_are_checked(tree, commented):
    added = registry.add("mine", tree)
    index = added.folder / "index.json"
    text = index.read_text()
    index.write_text(text[: text.index(',\n  "columns"')] + "\n}\n")
    for split in ("train", "test"):
        (added.folder / f"{split}_digests.npy").unlink()
    found = sources.load(spec_of(added))
    assert found.checked == "size" and found.noted == {}
    commented.write_bytes(turned(commented.read_bytes()))
    assert found.source.encoded("train", 1) == commented.read_bytes()
    assert len(notes.lines(found.noted, found.checked)) == 1


# Boxes


def boxes(tmp_path, *annotations, numbers=(1, 2, 3)):
    train = make_split(tmp_path, "train", numbers, [*annotations])
    return coco_json.add("mine", train, make_split(tmp_path, "test", [9], [box(9)])).noted["boxes"]


def test_boxes_past_the_edge_and_under_a_pixel_are_counted(tmp_path):
    high, wide = image(1).shape[:2]
    found = boxes(
        tmp_path,
        box(1, bbox=(0, 0, wide, high)),
        box(1, bbox=(5, 5, wide, 10)),
        box(2, bbox=(-3, 5, 10, 10)),
        box(2, bbox=(5, 5, 0.4, 10)),
        box(3, bbox=(5, 5, 1, 1)),
    )
    assert found["train"] == {
        "boxes": 5, "beyond": 2, "under_a_pixel": 1, "turned": 0, "turned_file": ""
    }  # fmt: skip
    assert found["test"]["beyond"] == 0


@pytest.mark.parametrize(
    ("bbox", "hint"),
    [((60, 50, 90, 80), "[x1, y1, x2, y2]"), ((0.2, 0.3, 0.5, 0.5), "from 0 to 1")],
)
def test_corners_and_parts_of_the_sides_are_told_with_a_hint(tmp_path, bbox, hint):
    sizes = [image(number).shape[:2] for number in (1, 2, 3)]
    corners = [(w - 40, h - 40, w - 5, h - 5) for h, w in sizes]  # As widths they are too wide.
    places = corners if bbox[0] > 1 else [bbox] * 3
    found = boxes(tmp_path, *(box(n, bbox=place) for n, place in enumerate(places, start=1)))
    assert hint in " ".join(notes.lines({"boxes": found}))
    few = boxes(tmp_path, box(1, bbox=places[0]), *(box(n) for n in (1, 2, 3)))
    assert hint not in " ".join(notes.lines({"boxes": few}))


HUGE = 10**400


@pytest.mark.parametrize(
    "fields",
    [
        {"bbox": (1e308, 0, 1e308, 5)},
        {"bbox": (0, 0, HUGE, 5)},
        {"bbox": (0, 0, 5, 1e30)},
        {"bbox": (-1e30, 0, 5, 5)},
        {"area": 1e39},
        {"area": HUGE},
        {"area": "1"},
    ],
)
def test_numbers_that_would_overflow_are_refused(tmp_path, fields):
    with pytest.raises(DataError, match=r"annotations\[0\]\.(bbox|area)"):
        boxes(tmp_path, box(1, **fields))


@pytest.mark.parametrize("field", ["height", "width", "id"])
@pytest.mark.parametrize("value", [2**40, HUGE])
def test_sizes_and_ids_that_would_overflow_are_refused(tmp_path, field, value):
    stated = {"id": 1, "file_name": "0001.jpg", "height": 9, "width": 9} | {field: value}
    if field == "id" and value == 2**40:
        value = stated["id"] = 2**63
    train = make_split(tmp_path, "train", [1], [], images=[stated])
    with pytest.raises(DataError, match=rf"images\[0\]\.{field}"):
        coco_json.read_annotations(train[0])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[" * 200_000, "begins with ["),
        (b"<html></html>", "an HTML page of 13 bytes"),
        (b"", "0 bytes"),
        (b'{"images": [' + b"9" * 5000 + b"]}", "begins with {"),
    ],
)
def test_annotations_that_are_none_are_named_with_what_they_are(tmp_path, content, said):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(DataError) as refused:
        coco_json.read_annotations(tmp_path / "a.json")
    assert said in str(refused.value) and "a.json" in str(refused.value)


# Orientations


def with_orientation(path, number, **options):
    exif = Image.Exif()
    exif[0x0112] = number
    with Image.open(path) as opened:
        file = io.BytesIO()
        opened.save(file, opened.format, exif=exif, **options)
    path.write_bytes(file.getvalue())


@pytest.mark.parametrize(("number", "counted"), [(1, 0), (2, 1), (3, 1), (4, 1), (6, 1), (8, 1)])
def test_an_orientation_that_a_camera_noted_is_counted(tmp_path, number, counted):
    train, test = make_set(tmp_path, train=3, test=1)
    with_orientation(train[1] / "0002.jpg", number)
    found = coco_json.add("mine", train, test).noted["boxes"]["train"]
    assert (found["turned"], found["turned_file"]) == (counted, "0002.jpg" * counted)


@pytest.mark.parametrize(("number", "named"), [(6, True), (8, True), (1, False), (3, False)])
def test_an_annotation_of_the_turned_image_is_told_as_such(tmp_path, number, named):
    train, test = make_set(tmp_path, train=2, test=1)
    path = train[1] / "0002.jpg"
    with Image.open(path) as opened:
        opened.transpose(Image.Transpose.ROTATE_90).save(path, "JPEG")
    with_orientation(path, number)
    with pytest.raises(DataError, match="must have the height and width") as refused:
        coco_json.add("mine", train, test)
    assert ("EXIF" in str(refused.value)) == named


# Messages


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "0 bytes"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer of 43 bytes"),
        (b"GIF89a and more", "begins with GIF89a"),
        (b"\n <HTML><body>", "an HTML page of 14 bytes"),
        (bytes(1000), "1,000 bytes that begin with zeros"),
        (b"PK\x03\x04" + bytes(9), "a zip archive"),
        (b"\xff\xd8\xff\xe0" + bytes(9), "a JPEG image of 13 bytes"),
        (b"\x93NUMPY\x01\x00", "a NumPy array"),
        (b"\x00\x01\x02\x03", r"begins with \x00\x01\x02\x03"),
    ],
)
def test_a_file_is_told_by_its_first_bytes(tmp_path, content, said):
    assert contents.told(content).startswith(said)
    path = tmp_path / "one.jpg"
    path.write_bytes(content)
    with pytest.raises(DataError) as refused:
        checked_content(path)
    assert str(path) in str(refused.value) and "BytesIO" not in str(refused.value)
    assert said in str(refused.value)


# Commands and records


def test_what_was_noted_is_printed_listed_and_recorded_with_a_run(tree, tmp_path):
    (tree / "train" / "china" / "notes.txt").write_text("text")
    shutil.copy(tree / "train/china/china_0.jpg", tree / "val/china/copy.jpg")
    done = bench("data", "add", "mine", tree)
    assert done.returncode == 0, done.stderr
    for told in (done.stdout, bench("data", "list").stdout):
        assert "1 .txt" in told and "1 test images" in told
    suite = tmp_path / "one.yaml"
    base = {
        "dataset": spec_of(registry.find("mine")).model_dump(mode="json"),
        "model": {"stem": "cifar", "block": "basic", "shortcut": "A"}
        | {"stage_blocks": [1], "stage_widths": [4]},
        "optimizer": {"batch_size": 2},
        "schedule": {"iterations": 1},
    }
    suite.write_text(json.dumps({"name": "one", "source": "a test", "base": base, "seeds": [0]}))
    done = bench("run", suite, "--no-mlflow", "--results", tmp_path / "results")
    assert done.returncode == 0, done.stdout + done.stderr
    (cell,) = load_suite(suite).plan.cells
    events = Store(tmp_path / "results").run(cell).events()
    (built,) = (event for event in events if event["event"] == "built")
    assert built["dataset"]["checked"] == "sha256"
    assert built["dataset"]["not_read"]["train"] == {".txt": 1}
    assert built["dataset"]["repeated"]["test_in_train"] == 1
    # Of two classes there is no top-5 error.
    run = Store(tmp_path / "results").run(cell)
    done = bench_alone("evaluate", run.path, "--protocol", "center-crop")
    assert done.returncode == 0 and "top-1 error" in done.stdout, done.stdout + done.stderr
    assert "top-5" not in done.stdout
    (tested,) = run.tested().values()
    assert tested["top5_error_percent"] is None


def test_a_cache_that_cannot_be_written_to_is_told_before_an_image_is_read(tree, tmp_path):
    for path in tree.rglob("*.jpg"):
        path.write_bytes(b"no image")
    (tmp_path / "file").write_text("")
    done = bench("data", "add", "mine", tree, "--cache", tmp_path / "file" / "cache")
    assert done.returncode == 2 and str(tmp_path / "file") in done.stderr
    assert ".jpg" not in done.stderr and "Traceback" not in done.stderr


def test_digests_are_columns_of_bytes(tree):
    listing = registry.add("mine", tree).source.columns["train"]
    assert listing["digest"].shape == (6, 32) and listing["digest"].dtype == np.uint8


def test_boxes_of_the_tests_are_sound(tmp_path):
    added = add("mine", tmp_path)
    assert sources.load(spec_of_boxes(added)).noted == added.noted

"""ImageNet's archives, made small in their own layout, and the commands that add photographs."""

import io
import shutil
import tarfile
from collections import Counter

import pytest
import yaml
from conftest import bench
from photograph_files import CLASSES, cut, encoded, make_tree, names, spec_of
from PIL import Image
from pydantic import TypeAdapter

from benchmark.data import cache
from benchmark.data.images import DataError
from benchmark.data.photographs import imagenet, registry
from benchmark.data.photographs.imagenet import Archive
from benchmark.data.photographs.stream import StreamedImages
from benchmark.spec.dataset import DatasetField


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))


def tar_of(path, contents):
    with tarfile.open(path, "w") as tar:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path.read_bytes()


SYNSETS = {
    "n01440764": ["n01440764_10026.JPEG", "n01440764_9.JPEG"],
    "n01739381": ["n01739381_1309.JPEG"],  # CMYK in ImageNet, and here.
    "n02105855": ["n02105855_2933.JPEG", "n02105855_1.JPEG"],  # The first is a PNG in ImageNet.
}
SPECIAL = {"n01739381_1309.JPEG": ("CMYK", "JPEG"), "n02105855_2933.JPEG": ("RGB", "PNG")}


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """ImageNet's two files in their own layout, of a few photographs."""
    folder = tmp_path_factory.mktemp("manual")
    inner = {}
    for number, (synset, files) in enumerate(SYNSETS.items()):
        contents = {}
        for place, name in enumerate(files):
            mode, kind = SPECIAL.get(name, ("RGB", "JPEG"))
            image = Image.fromarray(cut(CLASSES[number % 2], number + place)).convert(mode)
            contents[name] = encoded(image, kind)
        inner[f"{synset}.tar"] = tar_of(folder / "inner.tar", contents)
    (folder / "inner.tar").unlink()
    tar_of(folder / "ILSVRC2012_img_train.tar", inner)
    scored = {
        f"ILSVRC2012_val_{number:08d}.JPEG": encoded(cut("flower", number))
        for number in (2, 1, 4, 3)  # The real archive is in no order either.
    }
    tar_of(folder / "ILSVRC2012_img_val.tar", scored)
    return folder


def sizes_of(folder):
    return {path.name: Archive(path.stat().st_size, "") for path in folder.glob("*.tar")}


def test_tensorflow_datasets_prepares_imagenets_archives(archives, tmp_path):
    said = []
    options = {"name": "few", "archives": sizes_of(archives), "data_dir": tmp_path / "tfds"}
    added = imagenet.get(archives, say=said.append, **options)
    found = registry.load(spec_of(added))
    assert len(found.classes) == 1000 and found.classes[0] == "n01440764"
    listing = found.source.columns["train"]
    files = sorted(name for synset in SYNSETS.values() for name in synset)
    assert names(listing) == files
    classes = [found.classes[label] for label in listing["label"]]
    assert classes == [name.split("_")[0] for name in files]
    # From the first of the validation labels that tensorflow-datasets ships, by the files' numbers.
    scored = found.source.columns["test"]
    assert [found.classes[label] for label in scored["label"]] == [
        "n01751748", "n09193705", "n02105855", "n04263257",
    ]  # fmt: skip
    assert found.source.encoded("test", 1) == encoded(cut("flower", 2))
    assert found.source.encoded("train", 0) == encoded(cut("china", 0))

    data = StreamedImages(spec_of(added), found, workers=2)
    seen = Counter()
    for iteration in range(5):
        seen.update(data.train_inputs(0, 3, iteration, 1)[2].numpy().ravel().tolist())
    per_class = Counter(listing["label"].tolist())
    assert seen == Counter({label: 3 * n for label, n in per_class.items()})
    assert [len(labels) for _, labels in data.scored_inputs("test", 3)] == [3, 1]

    # What is prepared is not prepared again, and needs no archives.
    assert imagenet.get(tmp_path / "none", say=said.append, **options).content == added.content
    with pytest.raises(DataError, match="no such file"):
        imagenet.get(tmp_path / "none", verify=True, say=said.append, **options)
    shard = next((tmp_path / "tfds").rglob("*validation*array_record*"))
    shard.write_bytes(shard.read_bytes()[:100])
    with pytest.raises(DataError, match=r"imagenet2012.* must be as it was when it was added"):
        registry.load(spec_of(added))


def test_what_is_missing_of_the_archives_is_said_at_once(archives, tmp_path):
    with pytest.raises(DataError) as caught:
        imagenet.get(tmp_path, data_dir=tmp_path / "tfds", say=lambda line: None)
    first, second, how = str(caught.value).splitlines()
    assert "ILSVRC2012_img_train.tar must have 147,897,477,120 bytes. Received: no such" in first
    assert "ILSVRC2012_img_val.tar must have 6,744,924,160 bytes. Received: no such file" in second
    assert "image-net.org" in how
    with pytest.raises(DataError, match=r"val.tar must have 6,744,924,160 bytes. Received: \d"):
        imagenet.check(archives)
    assert registry.ADDED.names() == []


def test_the_archives_md5_sums_are_checked_when_asked(archives):
    expected = sizes_of(archives)
    imagenet.check(archives, expected)
    said = []
    with pytest.raises(
        DataError, match=r"train.tar must have the MD5 sum \. Received: [0-9a-f]{32}"
    ):
        imagenet.check(archives, expected, verify=True, say=said.append)
    assert len(said) == 2


def test_archives_that_cannot_be_prepared_are_said(archives, tmp_path):
    folder = shutil.copytree(archives, tmp_path / "manual")
    tar_of(folder / "ILSVRC2012_img_train.tar", {"n01440764.tar": b"no archive"})
    with pytest.raises(DataError, match=r"imagenet2012 cannot be prepared \(ReadError"):
        imagenet.get(
            folder, archives=sizes_of(folder), data_dir=tmp_path / "tfds", say=lambda line: None
        )
    assert registry.ADDED.names() == []


# Commands


def test_a_tree_is_added_and_listed_by_commands(tmp_path):
    tree = make_tree(tmp_path / "tree", train=3, test=2)
    done = bench("data", "add", "2026", tree, "--cache", tmp_path / "cache")
    assert done.returncode == 0, done.stderr
    assert "6 training and 4 test images of 2 classes" in done.stdout
    stated = yaml.safe_load(done.stdout[done.stdout.index("  dataset:") :])
    spec = TypeAdapter(DatasetField).validate_python(stated["dataset"])
    assert registry.load(spec).content == spec.content
    done = bench("data", "list", "--cache", tmp_path / "cache")
    assert f"2026            {tree}: 6 training" in done.stdout
    assert "not here: cifar10, imagenet2012, " in done.stdout
    (tmp_path / "cache" / "2026" / "index.json").write_text("{")
    assert "add them again" in bench("data", "list", "--cache", tmp_path / "cache").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["add", "cifar10", "."], 1, "name must not be that of a known data set"),
        (["add", "mine", "nowhere"], 1, "must have a folder train"),
        (["add", "m" * 101, "."], 1, "have at most 100. Received: mmm"),
        (["get", "imagenet2012", "--source", "npm"], 2, "--source is for cifar10 only"),
        (["get", "imagenet2012", "--file", "a"], 2, "--file is for cifar10 only"),
        (["get", "cifar10", "--verify"], 2, "--verify is for imagenet2012 only"),
        (["get", "cifar10", "--folder", "."], 2, "only. Received: --folder with cifar10"),
        (["get", "imagenet2012", "--folder", "nowhere"], 1, "val.tar must have 6,744,924,160"),
    ],
)
def test_commands_say_what_is_wrong(arguments, code, said, tmp_path):
    done = bench("data", *arguments, TFDS_DATA_DIR=str(tmp_path))
    assert done.returncode == code
    assert said in done.stderr

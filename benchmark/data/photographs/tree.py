"""List the photographs of a class-per-folder tree, reading each once."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.data import digests, not_read
from benchmark.data.images import DataError
from benchmark.data.not_read import READ, Counts
from benchmark.data.photographs.files import checked_content, in_threads
from benchmark.data.photographs.registry import digest
from benchmark.data.photographs.source import Columns

_SCORED = ("val", "validation", "test")
"""Possible folders of the images that are scored; the first that exists is used."""

_ANNOTATIONS = "val_annotations.txt"


@dataclass(frozen=True)
class Tree:
    """The content of a tree."""

    classes: list[str]
    """In code point order, as in Keras and PyTorch."""
    columns: Columns
    sha256: str
    """The digest of a line per file: its split, its path below the root, its class, and the SHA-256
    of its content."""
    not_read: dict[str, Counts]
    """Split, or ``elsewhere`` -> number of files that are not read, by kind."""


def read_tree(root: Path) -> Tree:
    """List ``root/train/CLASS`` and ``root/val/CLASS`` (or ``validation`` or ``test``), or Tiny
    ImageNet's ``val/images`` with its ``val_annotations.txt``. Files may be nested deeper in their
    class's folder. Each image is read and decoded once, so that no training run fails on a damaged
    one; an image in another format, or outside a class's folder, is refused, and all other files
    are counted. Raises DataError, which names the file or folder.
    """
    train = root / "train"
    _require(train.is_dir(), f"{root} must have a folder train with a folder for each class", root)
    scored = next((root / name for name in _SCORED if (root / name).is_dir()), None)
    if scored is None:
        raise DataError(f"{root} must have a folder {' or '.join(_SCORED)}. Received: none of them")
    classes = [folder.name for folder in _folders(train)]
    left: dict[str, Counter[str]] = {split: Counter() for split in ("train", "test")}
    _count_beside_classes(train, left["train"])
    _require(len(classes) > 1, f"{train} must hold a folder for each of two or more classes", train)
    files = {"train": list(_by_class(train, classes, left["train"], all_of_them=True))}
    if (scored / _ANNOTATIONS).is_file():
        files["test"] = list(_by_annotations(scored, classes, left["test"]))
    else:
        _count_beside_classes(scored, left["test"])
        files["test"] = list(_by_class(scored, classes, left["test"]))
    _require(bool(files["test"]), f"{scored} must hold images", "none")
    left["elsewhere"] = _counted_elsewhere(root, (train, scored))
    columns, sha256 = _read(root, classes, files)
    return Tree(classes, columns, sha256, {part: dict(counts) for part, counts in left.items()})


def _by_class(
    folder: Path, classes: list[str], left: Counter[str], *, all_of_them: bool = False
) -> Iterator[tuple[Path, int]]:
    """Yield each image and its class, class by class in the order of names."""
    for inner in _folders(folder):
        if inner.name not in classes:
            raise DataError(f"{folder} must hold classes of train alone. Received: {inner.name}")
        images = not_read.images_among(not_read.files_below(inner), inner, left)
        if all_of_them and not images:
            raise DataError(f"{inner} must hold images ({', '.join(READ)}). Received: none")
        label = classes.index(inner.name)
        yield from ((path, label) for path in images)


def _by_annotations(
    folder: Path, classes: list[str], left: Counter[str]
) -> Iterator[tuple[Path, int]]:
    """Yield Tiny ImageNet's: a line ``FILE<tab>CLASS<tab>...`` for each file in ``images``."""
    file = folder / _ANNOTATIONS
    annotated = {}
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        name, _, rest = line.partition("\t")
        label = rest.partition("\t")[0]
        if label not in classes:
            raise DataError(f"{file}:{number} must name a class of train. Received: {label!r:.80}")
        annotated[name] = classes.index(label)
    inner = folder / "images"
    below = [path for path in not_read.files_below(folder) if path != file]
    images = not_read.images_among(below, folder, left)
    beside = [path for path in images if not path.is_relative_to(inner)]
    _require(not beside, f"{folder} must hold images in {inner} alone", _some(beside))
    odd = {path.name for path in images} ^ {*annotated}
    if odd:
        rule = f"{file} must have a line for each file of {inner}, and no other"
        raise DataError(f"{rule}. Received: {min(odd)} on one side alone")
    yield from ((path, annotated[path.name]) for path in images)


def _count_beside_classes(folder: Path, left: Counter[str]) -> None:
    """Count the files of a split's folder that are in no class. Raises DataError for images."""
    classes = _folders(folder)
    files = [path for path in folder.iterdir() if path not in classes and not path.is_dir()]
    images = not_read.images_among(files, folder, left)
    if images and not classes:
        rule = f"{folder} must have a folder for each class, with the images of that class in it"
        raise DataError(f"{rule}. Received: {_some(images)}, and no folder")
    _require(
        not images, f"{folder} must hold images in the folders of classes alone", _some(images)
    )
    for hidden in folder.iterdir():
        if hidden.is_dir() and hidden not in classes:
            left.update(not_read.counted_below(hidden, folder))


def _counted_elsewhere(root: Path, splits: tuple[Path, ...]) -> Counter[str]:
    """Count the files below the root that are in no split's folder."""
    left: Counter[str] = Counter()
    for path in root.iterdir():
        if path.is_dir() and path not in splits:
            left.update(not_read.counted_below(path, root))
        elif not path.is_dir():
            left[not_read.kind(path, root)] += 1
    return left


def _folders(folder: Path) -> list[Path]:
    inner = (path for path in folder.iterdir() if path.is_dir())
    shown = (path for path in inner if not not_read.is_hidden(path, folder))
    return sorted(shown, key=lambda path: path.name)


def _some(files: list[Path]) -> str:
    return f"{len(files):,} images, such as {files[0].name}" if files else "none"


def _read(
    root: Path, classes: list[str], files: dict[str, list[tuple[Path, int]]]
) -> tuple[Columns, str]:
    """Return the columns and the digest of the files, each with its label."""
    columns, sha256s = {}, {}
    for split, listed in files.items():
        sizes, sha256s[split] = zip(
            *in_threads(_read_one, [path for path, _ in listed]), strict=True
        )
        names = [path.relative_to(root).as_posix() for path, _ in listed]
        columns[split] = {
            "name": np.array([name.encode("utf-8", "surrogateescape") for name in names]),
            "label": np.array([label for _, label in listed], np.int32),
            "size": np.array(sizes, np.int64),
            "place": np.zeros(len(listed), np.int64),
            "digest": digests.column(sha256s[split]),
        }
    return columns, digest(classes, columns, sha256s)


def _read_one(path: Path) -> tuple[int, str]:
    """Return size in bytes and SHA-256 of a file that can be decoded to its end."""
    content = checked_content(path)
    return len(content), hashlib.sha256(content).hexdigest()


def _require(there: bool, rule: str, received: object) -> None:
    if not there:
        raise DataError(f"{rule}. Received: {received}")

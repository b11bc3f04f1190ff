"""The photographs of a class-per-folder tree, listed and read once."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.data.images import DataError
from benchmark.data.photographs.files import checked_content, in_threads
from benchmark.data.photographs.source import Listing

SUFFIXES = (".jpg", ".jpeg", ".png")
"""In any case."""

_OTHER_SUFFIXES = (".bmp", ".gif", ".heic", ".jfif", ".tif", ".tiff", ".webp")
"""Of images that are not read; they are refused, not passed over."""

_SCORED = ("val", "validation", "test")
"""Folders of the images that are scored; the first that is there is taken."""

_ANNOTATIONS = "val_annotations.txt"


@dataclass(frozen=True)
class Tree:
    """What is in a tree."""

    classes: list[str]
    """In the order of their code points, as Keras and PyTorch have it."""
    listings: dict[str, Listing]
    sha256: str
    """Of a line for each file: its split, its path below the root, its class, and the SHA-256 of
    its content."""


def read_tree(root: Path) -> Tree:
    """List ``root/train/CLASS`` and ``root/val/CLASS`` (or ``validation`` or ``test``), or Tiny
    ImageNet's ``val/images`` with its ``val_annotations.txt``. Files may lie deeper in the folder
    of their class; hidden ones are passed over. Each is read and decoded once, so that no training
    ends at a damaged one. Raises DataError, which names the file or folder.
    """
    train = root / "train"
    _require(train.is_dir(), f"{root} must have a folder train with a folder for each class", root)
    scored = next((root / name for name in _SCORED if (root / name).is_dir()), None)
    if scored is None:
        raise DataError(f"{root} must have a folder {' or '.join(_SCORED)}. Received: none of them")
    classes = [folder.name for folder in _folders(train)]
    _require(len(classes) > 1, f"{train} must hold a folder for each of two or more classes", train)
    files = {"train": list(_by_class(train, classes, all_of_them=True))}
    if (scored / _ANNOTATIONS).is_file():
        files["test"] = list(_by_annotations(scored, classes))
    else:
        files["test"] = list(_by_class(scored, classes))
    _require(bool(files["test"]), f"{scored} must hold images", "none")
    return _read(root, classes, files)


def _by_class(
    folder: Path, classes: list[str], *, all_of_them: bool = False
) -> Iterator[tuple[Path, int]]:
    """Each image and its class, class by class in the order of names."""
    for inner in _folders(folder):
        if inner.name not in classes:
            raise DataError(f"{folder} must hold classes of train alone. Received: {inner.name}")
        images = _images(inner)
        if all_of_them and not images:
            raise DataError(f"{inner} must hold images ({', '.join(SUFFIXES)}). Received: none")
        label = classes.index(inner.name)
        yield from ((path, label) for path in images)


def _by_annotations(folder: Path, classes: list[str]) -> Iterator[tuple[Path, int]]:
    """Tiny ImageNet's: a line ``FILE<tab>CLASS<tab>...`` for each file of the folder ``images``."""
    file = folder / _ANNOTATIONS
    annotated = {}
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        name, _, rest = line.partition("\t")
        label = rest.partition("\t")[0]
        if label not in classes:
            raise DataError(f"{file}:{number} must name a class of train. Received: {label!r:.80}")
        annotated[name] = classes.index(label)
    images = _images(folder / "images")
    odd = {path.name for path in images} ^ {*annotated}
    if odd:
        rule = f"{file} must have a line for each file of {folder / 'images'}, and no other"
        raise DataError(f"{rule}. Received: {min(odd)} on one side alone")
    yield from ((path, annotated[path.name]) for path in images)


def _folders(folder: Path) -> list[Path]:
    inner = (path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
    return sorted(inner, key=lambda path: path.name)


def _images(folder: Path) -> list[Path]:
    """The images below a folder, in the order of their paths."""
    found = []
    for path in folder.rglob("*"):
        suffix = path.suffix.lower()
        if any(part[0] == "." for part in path.relative_to(folder).parts):
            continue
        if suffix in _OTHER_SUFFIXES:
            raise DataError(f"{path} must be a JPEG or PNG file. Received: {suffix}")
        if suffix in SUFFIXES:
            found.append(path)
    return sorted(found, key=lambda path: path.parts)


def _read(root: Path, classes: list[str], files: dict[str, list[tuple[Path, int]]]) -> Tree:
    digest, listings = hashlib.sha256(), {}
    for split, listed in files.items():
        names, sizes = [], []
        read = in_threads(_read_one, [path for path, _ in listed])
        for (path, label), (size, sha256) in zip(listed, read, strict=True):
            name = path.relative_to(root).as_posix().encode("utf-8", "surrogateescape")
            line = (split.encode(), name, classes[label].encode(), sha256.encode())
            digest.update(b"\t".join(line) + b"\n")
            names.append(name)
            sizes.append(size)
        listings[split] = Listing(
            names=np.array(names, np.bytes_),
            labels=np.array([label for _, label in listed], np.int32),
            sizes=np.array(sizes, np.int64),
            records=np.zeros(len(listed), np.int64),
        )
    return Tree(classes, listings, digest.hexdigest())


def _read_one(path: Path) -> tuple[int, str]:
    """Size in bytes and SHA-256 of a file that can be decoded to its end."""
    content = checked_content(path)
    return len(content), hashlib.sha256(content).hexdigest()


def _require(there: bool, rule: str, received: object) -> None:
    if not there:
        raise DataError(f"{rule}. Received: {received}")

"""The photographs that were added: a list of their files, in a folder of the cache."""

import json
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from benchmark.data.cache import cache_folder, replacing, require_free
from benchmark.data.images import DataError
from benchmark.data.photographs.source import Listing, Source, TfdsSource, TreeSource
from benchmark.spec import ContentSpec, DatasetSpec
from benchmark.spec.dataset import TRAIN_IMAGES

INDEX = "index.json"

_SOURCES: dict[str, type[TreeSource | TfdsSource]] = {"tree": TreeSource, "tfds": TfdsSource}
"""What ``index.json`` calls them."""


@dataclass(frozen=True)
class Photographs:
    """Added photographs."""

    name: str
    folder: Path
    """In the cache: of the list, and of statistics."""
    source: Source
    classes: list[str]
    sha256: str
    """``tree`` and ``imagenet`` say of what."""

    @property
    def content(self) -> ContentSpec:
        """As a spec states it."""
        return ContentSpec(
            classes=len(self.classes),
            train_images=len(self.source.listings["train"]),
            test_images=len(self.source.listings["test"]),
            sha256=self.sha256,
        )


def add(name: str, root: Path) -> Photographs:
    """List a class-per-folder tree under a name of your own, in the place of what was there by it.

    Raises DataError where the name is taken or is none, or the tree is not as ``tree`` says.
    """
    from benchmark.data.photographs.tree import read_tree

    require_free(name, TRAIN_IMAGES, names())
    root = root.expanduser().resolve()
    tree = read_tree(root)
    return save(name, "tree", root, tree.classes, tree.listings, tree.sha256)


def save(
    name: str,
    kind: str,
    root: Path,
    classes: list[str],
    listings: dict[str, Listing],
    sha256: str,
) -> Photographs:
    """Write the list aside and rename its folder, so that a reader sees all or nothing."""
    index = {"kind": kind, "root": str(root), "sha256": sha256, "classes": classes}
    with replacing(cache_folder() / name) as aside:
        for split, listing in listings.items():
            for field in fields(Listing):
                array = getattr(listing, field.name)
                np.save(aside / f"{split}_{field.name}.npy", array, allow_pickle=False)
        (aside / INDEX).write_text(json.dumps(index, indent=2) + "\n", "utf-8")
    return _read(name)


def load(spec: DatasetSpec) -> Photographs:
    """What a spec names, whose files are all there in their sizes. Raises DataError."""
    found = find(spec.name)
    content = found.content
    if spec.content and spec.content != content:
        raise DataError(
            f"{spec.name} must have the content that its spec states, {spec.content!r}. "
            f"Received: {content!r}, of {found.folder}"
        )
    expected = (spec.classes, spec.train_images + spec.held_out_images, spec.test_images)
    received = (content.classes, content.train_images, content.test_images)
    if received != expected:
        rule = f"{spec.name} must have (classes, training images, test images) {expected}"
        raise DataError(f"{rule}. Received: {received}")
    found.source.check()
    return found


def find(name: str) -> Photographs:
    """What was added under a name; its files are not looked at. Raises DataError."""
    if not (cache_folder() / name / INDEX).is_file():
        how = f"add {name} FOLDER" if name not in TRAIN_IMAGES else f"get {name} --folder FOLDER"
        raise DataError(
            f"{name} must be in {cache_folder()} before it is used. Get it: resnet-bench data {how}"
        )
    return _read(name)


def names() -> list[str]:
    """What has been added."""
    return sorted(path.parent.name for path in cache_folder().glob(f"[!.]*/{INDEX}"))


def _read(name: str) -> Photographs:
    folder = cache_folder() / name
    try:
        index = json.loads((folder / INDEX).read_text("utf-8"))
        listings = {split: _listing(folder, split) for split in ("train", "test")}
        source = _SOURCES[index["kind"]](Path(index["root"]), listings)
        classes, sha256 = list(index["classes"]), index["sha256"]
        for listing in listings.values():
            if listing.labels.min() < 0 or listing.labels.max() >= len(classes):
                raise ValueError("labels without a class")
        found = Photographs(name, folder, source, classes, sha256)
        found.content  # noqa: B018 - its rules are checked.
        return found
    except (OSError, ValueError, EOFError, KeyError, TypeError) as error:
        rule = f"{folder} must hold a whole list of photographs; add them anew"
        raise DataError(f"{rule}. Received: {type(error).__name__}: {error}") from error


def _listing(folder: Path, split: str) -> Listing:
    arrays = {
        field.name: np.load(folder / f"{split}_{field.name}.npy", mmap_mode="r")
        for field in fields(Listing)
    }
    lengths = {len(array) for array in arrays.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"{split} lists of different lengths, or empty ones")
    return Listing(**arrays)

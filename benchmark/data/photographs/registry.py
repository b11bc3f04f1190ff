"""The added photographs: a list of their files, in a cache folder."""

import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.data import notes
from benchmark.data.cache import cache_folder
from benchmark.data.digests import repeated
from benchmark.data.not_read import Counts
from benchmark.data.notes import checked_by
from benchmark.data.photographs.source import Columns, FileImages, RecordImages
from benchmark.data.register import SPLITS, Register, require_as_stated
from benchmark.spec import ContentSpec, PhotographsSpec

ADDED = Register(
    "index.json", "photographs", add="add {name} FOLDER", get="get {name} --folder FOLDER"
)

TFDS_SPLITS = {"train": "train", "test": "validation"}
"""This project's split -> the split of tensorflow-datasets' ``imagenet2012``, whose own test images
have no labels."""

_LOG = logging.getLogger("resnet_bench.data")

_COLUMNS = {
    "names": "name",
    "labels": "label",
    "sizes": "size",
    "records": "place",
    "digests": "digest",
}
"""The index's name for each column."""

_EARLIER = ("names", "labels", "sizes", "records")
"""The columns in lists of earlier versions, which had no digests."""


@dataclass(frozen=True)
class Photographs:
    """Added photographs."""

    name: str
    folder: Path
    """In the cache: holds the list and the statistics."""
    place: Path
    """Folder that holds the images."""
    source: FileImages | RecordImages
    """With a column ``label``, int32: positions in the list of classes, from 0."""
    classes: list[str]
    sha256: str
    """``tree`` and ``imagenet`` say what it covers."""
    noted: Mapping[str, Any] = field(default_factory=dict)
    """Notes made when they were added: see ``data.notes``."""

    @property
    def checked(self) -> str:
        """What is checked when a file is read."""
        return checked_by(self.source.columns)

    def labels(self, split: str) -> np.ndarray:
        """Return the labels of a split."""
        return self.source.columns[split]["label"]

    @property
    def content(self) -> ContentSpec:
        """The content as a spec states it."""
        return ContentSpec(
            classes=len(self.classes),
            train_images=len(self.labels("train")),
            test_images=len(self.labels("test")),
            sha256=self.sha256,
        )


def add(name: str, root: Path) -> Photographs:
    """List a class-per-folder tree under a name of your own, replacing anything added under it.

    Raises DataError if the name is taken or invalid, or the tree is not as ``tree`` requires.
    """
    from benchmark.data.photographs.tree import read_tree

    ADDED.require_free(name)
    ADDED.require_room()
    root = root.expanduser().resolve()
    tree = read_tree(root)
    return save(name, "tree", root, tree.classes, tree.columns, tree.sha256, not_read=tree.not_read)


def save(
    name: str,
    kind: str,
    root: Path,
    classes: list[str],
    columns: Columns,
    sha256: str,
    *,
    not_read: Mapping[str, Counts] | None = None,
) -> Photographs:
    """Write the list and return it as read back. ``not_read``: files in their folders."""
    digests, labels = (
        {split: own[key] for split, own in columns.items()} for key in ("digest", "label")
    )
    index = {
        "kind": kind,
        "root": str(root),
        "sha256": sha256,
        "classes": classes,
        "columns": [*_COLUMNS],
        "noted": notes.of(not_read, repeated(digests, labels)),
    }
    kept = {
        split: {theirs: own[key] for theirs, key in _COLUMNS.items()}
        for split, own in columns.items()
    }
    ADDED.save(name, index, kept)
    added = find(name)
    for line in notes.lines(added.noted, added.checked):
        _LOG.info("%s: %s", name, line)
    return added


def load(spec: PhotographsSpec) -> Photographs:
    """Return what a spec names, with all files present in their sizes. Raises DataError."""
    found = find(spec.name)
    require_as_stated(spec, found.content)
    found.source.check()
    return found


def find(name: str) -> Photographs:
    """Return what was added under a name, without checking its files. Raises DataError."""
    with ADDED.reading(name) as (index, column):
        columns = {
            split: {_COLUMNS[key]: column(split, key) for key in index.get("columns", _EARLIER)}
            for split in SPLITS
        }
        classes, root = list(index["classes"]), Path(index["root"])
        for split, own in columns.items():
            _require_whole(split, own, len(classes))
        source: FileImages | RecordImages
        if index["kind"] == "tree":
            source = FileImages(dict.fromkeys(SPLITS, str(root)), columns)
        else:
            for own in columns.values():
                own["part"] = np.zeros_like(own["place"])
            where = {split: [[str(root), theirs]] for split, theirs in TFDS_SPLITS.items()}
            source = RecordImages(where, columns)
        sha256, noted = index["sha256"], index.get("noted", {})
        found = Photographs(name, cache_folder() / name, root, source, classes, sha256, noted)
        found.content  # noqa: B018 - validates it.
        return found


def digest(classes: list[str], columns: Columns, last: Mapping[str, Iterable[object]]) -> str:
    """Return the SHA-256 of a line per photograph: its split, name, class, and its own of ``last``,
    tabs between them."""
    found = hashlib.sha256()
    for split, own in columns.items():
        for name, label, value in zip(own["name"], own["label"], last[split], strict=True):
            line = (split.encode(), bytes(name), classes[label].encode(), str(value).encode())
            found.update(b"\t".join(line) + b"\n")
    return found.hexdigest()


def _require_whole(split: str, columns: Mapping[str, np.ndarray], classes: int) -> None:
    """Raise ValueError if the columns do not fit together."""
    lengths = {len(column) for column in columns.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"{split} lists of different lengths, or empty ones")
    if not 0 <= columns["label"].min() <= columns["label"].max() < classes:
        raise ValueError(f"{split} labels without a class")

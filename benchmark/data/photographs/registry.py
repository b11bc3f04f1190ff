"""The added photographs: a list of their files, in a cache folder."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from benchmark.data import notes
from benchmark.data.cache import cache_folder
from benchmark.data.digests import repeated
from benchmark.data.not_read import Counts
from benchmark.data.notes import checked_by
from benchmark.data.photographs.source import Listing, Source, TfdsSource, TreeSource
from benchmark.data.register import SPLITS, Register, require_as_stated
from benchmark.spec import ContentSpec, PhotographsSpec

ADDED = Register(
    "index.json", "photographs", add="add {name} FOLDER", get="get {name} --folder FOLDER"
)

_LOG = logging.getLogger("resnet_bench.data")

_SOURCES: dict[str, type[TreeSource | TfdsSource]] = {"tree": TreeSource, "tfds": TfdsSource}
"""The index's name for each source."""

_COLUMNS = ("names", "labels", "sizes", "records")
"""The columns in lists of earlier versions, which had no digests."""


@dataclass(frozen=True)
class Photographs:
    """Added photographs."""

    name: str
    folder: Path
    """In the cache: holds the list and the statistics."""
    source: Source
    classes: list[str]
    sha256: str
    """``tree`` and ``imagenet`` say what it covers."""
    noted: Mapping[str, Any] = field(default_factory=dict)
    """Notes made when they were added: see ``data.notes``."""

    @property
    def checked(self) -> str:
        """What is checked when a file is read."""
        return checked_by(each.digests for each in self.source.listings.values())

    @property
    def place(self) -> Path:
        """Folder that holds the images."""
        return self.source.root

    @property
    def content(self) -> ContentSpec:
        """The content as a spec states it."""
        return ContentSpec(
            classes=len(self.classes),
            train_images=len(self.source.listings["train"]),
            test_images=len(self.source.listings["test"]),
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
    return save(
        name, "tree", root, tree.classes, tree.listings, tree.sha256, not_read=tree.not_read
    )


def save(
    name: str,
    kind: str,
    root: Path,
    classes: list[str],
    listings: dict[str, Listing],
    sha256: str,
    *,
    not_read: Mapping[str, Counts] | None = None,
) -> Photographs:
    """Write the list and return it as read back. ``not_read``: files in their folders."""
    index: dict[str, Any] = {"kind": kind, "root": str(root), "sha256": sha256, "classes": classes}
    columns = {
        split: {field.name: getattr(listing, field.name) for field in fields(Listing)}
        for split, listing in listings.items()
    }
    found = {split: own for split, each in listings.items() if (own := each.digests) is not None}
    labels = {split: listing.labels for split, listing in listings.items()}
    index |= {
        "columns": [each.name for each in fields(Listing) if each.name != "digests" or found],
        "noted": notes.of(not_read, repeated(found, labels) if found else None),
    }
    ADDED.save(name, index, columns)
    kept = find(name)
    for line in notes.lines(kept.noted, kept.checked):
        _LOG.info("%s: %s", name, line)
    return kept


def load(spec: PhotographsSpec) -> Photographs:
    """Return what a spec names, with all files present in their sizes. Raises DataError."""
    found = find(spec.name)
    require_as_stated(spec, found.content)
    found.source.check()
    return found


def find(name: str) -> Photographs:
    """Return what was added under a name, without checking its files. Raises DataError."""
    with ADDED.reading(name) as (index, column):
        listings = {
            split: Listing(**{name: column(split, name) for name in index.get("columns", _COLUMNS)})
            for split in SPLITS
        }
        source = _SOURCES[index["kind"]](Path(index["root"]), listings)
        classes = list(index["classes"])
        for split, listing in listings.items():
            _require_whole(split, listing, len(classes))
        found = Photographs(
            name, cache_folder() / name, source, classes, index["sha256"], index.get("noted", {})
        )
        found.content  # noqa: B018 - validates it.
        return found


def _require_whole(split: str, listing: Listing, classes: int) -> None:
    """Raise ValueError if the columns do not fit together."""
    columns = [getattr(listing, field.name) for field in fields(Listing)]
    lengths = {len(column) for column in columns if column is not None}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"{split} lists of different lengths, or empty ones")
    if not 0 <= listing.labels.min() <= listing.labels.max() < classes:
        raise ValueError(f"{split} labels without a class")

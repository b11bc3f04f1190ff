"""The photographs that were added: a list of their files, in a folder of the cache."""

from dataclasses import dataclass, fields
from pathlib import Path

from benchmark.data.added import SPLITS, Register, require_as_stated
from benchmark.data.cache import cache_folder
from benchmark.data.photographs.source import Listing, Source, TfdsSource, TreeSource
from benchmark.spec import ContentSpec, PhotographsSpec

ADDED = Register(
    "index.json", "photographs", add="add {name} FOLDER", get="get {name} --folder FOLDER"
)

_SOURCES: dict[str, type[TreeSource | TfdsSource]] = {"tree": TreeSource, "tfds": TfdsSource}
"""What the index calls them."""


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
    def place(self) -> Path:
        """Where the images are."""
        return self.source.root

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

    ADDED.require_free(name)
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
    """Write the list, and return it as it is read."""
    index = {"kind": kind, "root": str(root), "sha256": sha256, "classes": classes}
    columns = {
        split: {field.name: getattr(listing, field.name) for field in fields(Listing)}
        for split, listing in listings.items()
    }
    ADDED.save(name, index, columns)
    return find(name)


def load(spec: PhotographsSpec) -> Photographs:
    """What a spec names, whose files are all there in their sizes. Raises DataError."""
    found = find(spec.name)
    require_as_stated(spec, found.content)
    found.source.check()
    return found


def find(name: str) -> Photographs:
    """What was added under a name; its files are not looked at. Raises DataError."""
    with ADDED.reading(name) as (index, column):
        listings = {
            split: Listing(*(column(split, field.name) for field in fields(Listing)))
            for split in SPLITS
        }
        source = _SOURCES[index["kind"]](Path(index["root"]), listings)
        classes = list(index["classes"])
        for split, listing in listings.items():
            _require_whole(split, listing, len(classes))
        found = Photographs(name, cache_folder() / name, source, classes, index["sha256"])
        found.content  # noqa: B018 - its rules are checked.
        return found


def _require_whole(split: str, listing: Listing, classes: int) -> None:
    """Raises ValueError."""
    lengths = {len(getattr(listing, field.name)) for field in fields(Listing)}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"{split} lists of different lengths, or empty ones")
    if not 0 <= listing.labels.min() <= listing.labels.max() < classes:
        raise ValueError(f"{split} labels without a class")

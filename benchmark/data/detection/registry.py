"""The added images with boxes: their ground truth and where they are stored, in a cache folder."""

from collections.abc import Mapping, Sequence
from dataclasses import fields

from benchmark.data import notes
from benchmark.data.detection import suspect
from benchmark.data.detection.detection_set import DetectionSet, arrays, digest
from benchmark.data.detection.example import Example, Truths, joined, without_degenerate
from benchmark.data.detection.pasted import pasted
from benchmark.data.digests import repeated
from benchmark.data.not_read import Counts
from benchmark.data.photographs.source import Columns, FileImages, RecordImages
from benchmark.data.register import SPLITS, Register, require_as_stated
from benchmark.spec.boxes import BoxesSpec

ADDED = Register(
    "detection.json",
    "images with boxes",
    add="add-boxes {name} --train JSON FOLDER --test JSON FOLDER",
    get="get {name}",
)

_KINDS: dict[str, type[FileImages | RecordImages]] = {"files": FileImages, "tfds": RecordImages}
"""The index's name for each kind of images."""


def load(spec: BoxesSpec) -> DetectionSet:
    """Return what a spec names, with all files present. Raises DataError."""
    if spec.pasted:
        return pasted(spec.pasted)
    found = find(spec.name)
    require_as_stated(spec, found.content)
    found.images.check()
    return found


def find(name: str) -> DetectionSet:
    """Return what was added under a name, without checking its files. Raises DataError."""
    with ADDED.reading(name) as (index, column):
        truths = {
            split: Truths(*(column(split, field.name) for field in fields(Truths)))
            for split in SPLITS
        }
        columns = {
            split: {key: column(split, f"image_{key}") for key in index["columns"]}
            for split in SPLITS
        }
        where = {split: index["where"][split] for split in SPLITS}
        found = DetectionSet(
            name,
            list(index["classes"]),
            list(index["category_ids"]),
            truths,
            _KINDS[index["kind"]](where, columns),
            index["sha256"],
            index["degenerate"],
            index.get("noted", {}),
        )
        _require_whole(found, columns)
        return found


def save(
    name: str,
    categories: Mapping[int, str],
    examples: Mapping[str, Sequence[Example]],
    images: FileImages | RecordImages,
    content: Columns,
    *,
    turned: Mapping[str, Sequence[str]] | None = None,
    not_read: Mapping[str, Counts] | None = None,
) -> DetectionSet:
    """Write a data set and return it as read back.

    ``categories``: id -> name, in the order of the labels. ``examples``: for each split all boxes
    that were stated; degenerate ones are counted and left out. ``content``: columns of the files
    that the digest covers. ``turned``: names of the images to be shown turned. ``not_read``: files
    in their folders.
    """
    truths, degenerate, odd_ones = {}, {}, {}
    for split in SPLITS:
        kept, dropped = zip(*map(without_degenerate, examples[split]), strict=True)
        truths[split], degenerate[split] = joined(kept), sum(dropped)
        odd_ones[split] = suspect.counted(examples[split], (turned or {}).get(split, ()))._asdict()
    classes, category_ids = [*categories.values()], [*categories]
    own = {split: columns["digest"] for split, columns in images.columns.items()}
    index = {
        "kind": "files" if isinstance(images, FileImages) else "tfds",
        "where": images.where,
        "sha256": digest(classes, category_ids, truths, content),
        "classes": classes,
        "category_ids": category_ids,
        "degenerate": degenerate,
        "noted": notes.of(not_read, repeated(own)) | {"boxes": odd_ones},
        "columns": list(images.columns["train"]),
    }
    columns = {
        split: arrays(truths[split])
        | {f"image_{key}": array for key, array in images.columns[split].items()}
        for split in SPLITS
    }
    ADDED.save(name, index, columns)
    return find(name)


def _require_whole(found: DetectionSet, columns: Columns) -> None:
    """Raise ValueError if the parts do not fit together."""
    found.content  # noqa: B018 - validates it.
    if len(found.category_ids) != len(found.classes):
        raise ValueError("the numbers of categories and classes must be equal")
    for split in SPLITS:
        labels = found.truths[split].labels
        if len(labels) and not 0 <= labels.min() <= labels.max() < len(found.classes):
            raise ValueError(f"{split} labels without a class")
        if {len(column) for column in columns[split].values()} != {len(found.truths[split])}:
            raise ValueError(f"{split} lists of different lengths")

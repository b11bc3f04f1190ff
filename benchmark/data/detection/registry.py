"""The added images with boxes: their ground truth and where they are stored, in a cache folder."""

from collections.abc import Iterable
from dataclasses import fields

from benchmark.data.detection.detection_set import DetectionSet, arrays
from benchmark.data.detection.example import Example, Truths, joined, without_degenerate
from benchmark.data.detection.pasted import pasted
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


def cleaned(examples: Iterable[Example]) -> tuple[Truths, int]:
    """Return the truths without degenerate boxes, and how many those were."""
    kept, dropped = [], 0
    for example in examples:
        clean, count = without_degenerate(example)
        kept.append(clean)
        dropped += count
    return joined(kept), dropped


def save(found: DetectionSet) -> DetectionSet:
    """Write it and return it as read back. Its images are of a class in ``_KINDS``."""
    images = found.images
    kind = next(kind for kind, each in _KINDS.items() if isinstance(images, each))
    assert isinstance(images, (FileImages, RecordImages))
    index = {
        "kind": kind,
        "where": dict(images.where),
        "sha256": found.sha256,
        "classes": found.classes,
        "category_ids": found.category_ids,
        "degenerate": dict(found.degenerate),
        "noted": dict(found.noted),
        "columns": list(images.columns["train"]),
    }
    columns = {
        split: arrays(found.truths[split])
        | {f"image_{key}": array for key, array in images.columns[split].items()}
        for split in SPLITS
    }
    ADDED.save(found.name, index, columns)
    return find(found.name)


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

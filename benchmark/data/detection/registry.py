"""The images with boxes that were added: their truth and where they lie, in a folder of the
cache."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.data.added import SPLITS, Register, require_as_stated
from benchmark.data.detection.example import Example, Truths, joined, without_degenerate
from benchmark.data.detection.images import Columns, FileImages, Images, RecordImages
from benchmark.data.noted import checked_by
from benchmark.spec.boxes import BoxContentSpec, BoxesSpec

ADDED = Register(
    "detection.json",
    "images with boxes",
    add="add-boxes {name} --train JSON FOLDER --test JSON FOLDER",
    get="get {name}",
)

_KINDS: dict[str, type[FileImages | RecordImages]] = {"files": FileImages, "tfds": RecordImages}
"""What the index calls them."""


@dataclass(frozen=True)
class DetectionSet:
    """Images with boxes, of the splits ``train`` and ``test``."""

    name: str
    classes: list[str]
    """Label -> name."""
    category_ids: list[int]
    """Label -> what the source calls it: rising."""
    truths: Mapping[str, Truths]
    images: Images
    sha256: str
    """The readers say of what."""
    degenerate: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(SPLITS, 0))
    """Split -> boxes without an area within their image, which are not in ``truths``."""
    noted: Mapping[str, Any] = field(default_factory=dict)
    """What was noted as they were added: ``data.noted``."""

    @property
    def checked(self) -> str:
        """What of each file is looked at as it is read."""
        columns = getattr(self.images, "columns", {})
        return checked_by(own.get("digest") for own in columns.values())

    @property
    def place(self) -> Path:
        """Where the images are: the folder of the first one."""
        return self.images.path("train", 0).parent

    @property
    def content(self) -> BoxContentSpec:
        """As a spec states it."""
        return BoxContentSpec(
            classes=len(self.classes),
            train_images=len(self.truths["train"]),
            test_images=len(self.truths["test"]),
            sha256=self.sha256,
        )


def load(spec: BoxesSpec) -> DetectionSet:
    """What a spec names, whose files are all there. Raises DataError."""
    if spec.pasted:
        from benchmark.data.detection.pasted import pasted

        return pasted(spec.pasted)
    found = find(spec.name)
    require_as_stated(spec, found.content)
    found.images.check()
    return found


def find(name: str) -> DetectionSet:
    """What was added under a name; its files are not looked at. Raises DataError."""
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
    """Truths without degenerate boxes, and how many those were."""
    kept, dropped = [], 0
    for example in examples:
        clean, count = without_degenerate(example)
        kept.append(clean)
        dropped += count
    return joined(kept), dropped


def save(found: DetectionSet) -> DetectionSet:
    """Write it, and return it as it is read. Its images are those of a class in ``_KINDS``."""
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
        split: _arrays(found.truths[split])
        | {f"image_{key}": array for key, array in images.columns[split].items()}
        for split in SPLITS
    }
    ADDED.save(found.name, index, columns)
    return find(found.name)


def digest(
    classes: list[str], category_ids: list[int], truths: Mapping[str, Truths], files: Columns
) -> str:
    """SHA-256 of the categories and, split by split, of the truth and of what tells the files."""
    found = hashlib.sha256(json.dumps([category_ids, classes]).encode())
    for split in SPLITS:
        for name, array in (_arrays(truths[split]) | dict(files[split])).items():
            found.update(f"\n{split} {name} {array.dtype.str} {array.shape}\n".encode())
            found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def _arrays(truths: Truths) -> dict[str, np.ndarray]:
    return {field.name: getattr(truths, field.name) for field in fields(Truths)}


def _require_whole(found: DetectionSet, columns: Columns) -> None:
    """Raises ValueError."""
    found.content  # noqa: B018 - its rules are checked.
    if len(found.category_ids) != len(found.classes):
        raise ValueError("as many categories as classes are needed")
    for split in SPLITS:
        labels = found.truths[split].labels
        if len(labels) and not 0 <= labels.min() <= labels.max() < len(found.classes):
            raise ValueError(f"{split} labels without a class")
        if {len(column) for column in columns[split].values()} != {len(found.truths[split])}:
            raise ValueError(f"{split} lists of different lengths")

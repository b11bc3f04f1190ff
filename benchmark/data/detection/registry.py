"""The images with boxes that were added: their truth and where they lie, in a folder of the
cache."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np

from benchmark.data.cache import cache_folder, replacing
from benchmark.data.detection.example import Example, Truths, joined, without_degenerate
from benchmark.data.detection.images import Columns, FileImages, Images, RecordImages
from benchmark.data.images import DataError
from benchmark.spec.dataset import TRAIN_IMAGES
from benchmark.spec.detection_data import (
    DETECTION_IMAGES,
    PASTED,
    DetectionContentSpec,
    DetectionDataSpec,
)

INDEX = "detection.json"
SPLITS = ("train", "test")

KNOWN = (*TRAIN_IMAGES, *DETECTION_IMAGES, PASTED)
"""Names that images of your own cannot have."""

_KINDS: dict[str, type[FileImages | RecordImages]] = {"files": FileImages, "tfds": RecordImages}
"""What ``detection.json`` calls them."""


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

    @property
    def content(self) -> DetectionContentSpec:
        """As a spec states it."""
        return DetectionContentSpec(
            classes=len(self.classes),
            train_images=len(self.truths["train"]),
            test_images=len(self.truths["test"]),
            sha256=self.sha256,
        )


def load(spec: DetectionDataSpec) -> DetectionSet:
    """What a spec names, whose files are all there. Raises DataError."""
    if spec.pasted:
        from benchmark.data.detection.pasted import pasted

        return pasted(spec.pasted)
    found = find(spec.name)
    if spec.content and spec.content != found.content:
        raise DataError(
            f"{spec.name} must have the content that its spec states, {spec.content!r}. "
            f"Received: {found.content!r}, of {cache_folder() / spec.name}"
        )
    expected = spec.classes, spec.train_images, spec.test_images
    received = len(found.classes), *(len(found.truths[split]) for split in SPLITS)
    if received != expected:
        rule = f"{spec.name} must have (classes, training images, test images) {expected}"
        raise DataError(f"{rule}. Received: {received}")
    found.images.check()
    return found


def find(name: str) -> DetectionSet:
    """What was added under a name; its files are not looked at. Raises DataError."""
    if not (cache_folder() / name / INDEX).is_file():
        rule = f"{name} must be added to {cache_folder()}, with its boxes, before it is used"
        raise DataError(f"{rule}. Received: no {cache_folder() / name / INDEX}")
    return _read(name)


def names() -> list[str]:
    """What has been added."""
    return sorted(path.parent.name for path in cache_folder().glob(f"[!.]*/{INDEX}"))


def cleaned(examples: Iterable[Example]) -> tuple[Truths, int]:
    """Truths without degenerate boxes, and how many those were."""
    kept, dropped = [], 0
    for example in examples:
        clean, count = without_degenerate(example)
        kept.append(clean)
        dropped += count
    return joined(kept), dropped


def save(found: DetectionSet) -> DetectionSet:
    """Write it aside and rename its folder, so that a reader sees all or nothing. Its images are
    those of a class in ``_KINDS``. Returns it as it is read."""
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
        "columns": list(images.columns["train"]),
    }
    with replacing(cache_folder() / found.name) as aside:
        for split in SPLITS:
            truths = found.truths[split]
            arrays = {each.name: getattr(truths, each.name) for each in fields(Truths)}
            arrays |= {f"image_{key}": array for key, array in images.columns[split].items()}
            for key, array in arrays.items():
                np.save(aside / f"{split}_{key}.npy", array, allow_pickle=False)
        (aside / INDEX).write_text(json.dumps(index, indent=2) + "\n", "utf-8")
    return _read(found.name)


def digest(
    classes: list[str], category_ids: list[int], truths: Mapping[str, Truths], files: Columns
) -> str:
    """SHA-256 of the categories and, split by split, of the truth and of what tells the files."""
    found = hashlib.sha256(json.dumps([category_ids, classes]).encode())
    for split in SPLITS:
        arrays = {each.name: getattr(truths[split], each.name) for each in fields(Truths)}
        for name, array in (arrays | dict(files[split])).items():
            found.update(f"\n{split} {name} {array.dtype.str} {array.shape}\n".encode())
            found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def _read(name: str) -> DetectionSet:
    folder = cache_folder() / name
    try:
        index = json.loads((folder / INDEX).read_text("utf-8"))
        truths = {
            split: Truths(
                **{each.name: _array(folder, split, each.name) for each in fields(Truths)}
            )
            for split in SPLITS
        }
        columns = {
            split: {key: _array(folder, split, f"image_{key}") for key in index["columns"]}
            for split in SPLITS
        }
        found = DetectionSet(
            name,
            list(index["classes"]),
            list(index["category_ids"]),
            truths,
            _KINDS[index["kind"]](index["where"], columns),
            index["sha256"],
            index["degenerate"],
        )
        _require_whole(found, columns)
        return found
    except (OSError, ValueError, EOFError, KeyError, TypeError) as error:
        rule = f"{folder} must hold a whole list of images with boxes; add them anew"
        raise DataError(f"{rule}. Received: {type(error).__name__}: {error}") from error


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


def _array(folder: Path, split: str, name: str) -> np.ndarray:
    return np.load(folder / f"{split}_{name}.npy", mmap_mode="r", allow_pickle=False)

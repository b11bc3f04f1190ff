"""COCO and Pascal VOC through tensorflow-datasets, which downloads and prepares them."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.data import digests
from benchmark.data.detection import registry
from benchmark.data.detection.detection_set import DetectionSet
from benchmark.data.detection.example import Example
from benchmark.data.images import DataError
from benchmark.data.photographs.decode import header
from benchmark.data.photographs.source import RecordImages
from benchmark.data.prepared import only_data_errors, open_records, prepared

SETS = {
    "coco2014": {"train": [("coco/2014", "train")], "test": [("coco/2014", "validation")]},
    "coco2017": {"train": [("coco/2017", "train")], "test": [("coco/2017", "validation")]},
    "voc2007": {
        "train": [("voc/2007", "train"), ("voc/2007", "validation")],
        "test": [("voc/2007", "test")],
    },
    "voc2012": {"train": [("voc/2012", "train")], "test": [("voc/2012", "validation")]},
    "voc0712": {
        "train": [
            ("voc/2007", "train"),
            ("voc/2007", "validation"),
            ("voc/2012", "train"),
            ("voc/2012", "validation"),
        ],
        "test": [("voc/2007", "test")],
    },
}
"""Name -> this project's split -> tensorflow-datasets' data sets and splits. The test images of
COCO and of VOC 2012 have no boxes there."""


def get(
    name: str, *, data_dir: Path | None = None, say: Callable[[str], None] = print
) -> DetectionSet:
    """Have tensorflow-datasets prepare a data set if it has not yet, and list the result.

    ``data_dir``: where tensorflow-datasets keeps its data sets, if not in its default folder
    (``TFDS_DATA_DIR``). Raises DataError; nothing is added then.
    """
    if name not in SETS:
        raise DataError(f"name must be one of {', '.join(SETS)}. Received: {name}")
    registry.ADDED.require_room()
    theirs = {theirs for parts in SETS[name].values() for theirs, _ in parts}
    with only_data_errors(f"tensorflow-datasets' data for {name} cannot be used"):
        return _listed(name, {each: prepared(each, data_dir, say) for each in sorted(theirs)})


def _listed(name: str, builders: dict[str, Any]) -> DetectionSet:
    where, columns, examples = {}, {}, {}
    for split, parts in SETS[name].items():
        where[split] = [[str(builders[theirs].data_path), part] for theirs, part in parts]
        rows = sorted(_rows(where[split], parts), key=lambda row: row[0].image_id)
        examples[split], names, sizes, own, numbers, places = zip(*rows, strict=True)
        columns[split] = {
            "name": np.array(names, np.bytes_),
            "size": np.array(sizes, np.int64),
            "part": np.array(numbers, np.int64),
            "place": np.array(places, np.int64),
            "digest": digests.column(own),
        }
    every = [builder.info.features["objects"]["label"].names for builder in builders.values()]
    classes = list(every[0])
    if any(each != classes for each in every):
        raise DataError(f"the parts of {name} must have the same classes. Received: {every}")
    # Where records are kept is not part of the content: it may differ between versions.
    content = {split: {key: own[key] for key in ("name", "size")} for split, own in columns.items()}
    categories = dict(enumerate(classes, start=1))
    return registry.save(name, categories, examples, RecordImages(where, columns), content)


def _rows(
    where: list[list[str]], parts: list[tuple[str, str]]
) -> Iterator[tuple[Example, bytes, int, bytes, int, int]]:
    """Yield for each record: its example, its file name, its number of bytes, their digest, its
    part, its place."""
    for number, ((folder, part), (theirs, _)) in enumerate(zip(where, parts, strict=True)):
        example_of = voc_example if theirs.startswith("voc/") else coco_example
        for place, record in enumerate(open_records(Path(folder), part)):
            content = record["image"]
            about = header(content)
            example = example_of(record, about.height, about.width)
            name = bytes(record["image/filename"])
            yield example, name, len(content), digests.of(content), number, place


def coco_example(record: dict[str, Any], height: int, width: int) -> Example:
    """Convert a record of ``coco``. Its areas have lost their fractions there."""
    objects = record["objects"]
    # COCO states its boxes in hundredths of a pixel.
    boxes = _in_pixels(objects["bbox"], height, width, decimals=2)
    return Example(
        int(record["image/id"]),
        height,
        width,
        boxes,
        np.array(objects["label"], np.int32).reshape(-1),
        np.array(objects["is_crowd"], bool).reshape(-1),
        np.array(objects["area"], np.float32).reshape(-1),
    )


def voc_example(record: dict[str, Any], height: int, width: int) -> Example:
    """Convert a record of ``voc``; difficult objects are crowds. VOC's boxes count pixels from 1
    and include the last one, so the smallest starts at the edge 0 and ends at 1."""
    objects = record["objects"]
    boxes = _in_pixels(objects["bbox"], height, width, decimals=3)
    boxes[:, :2] -= 1
    crowds = np.array(objects["is_difficult"], bool).reshape(-1)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    labels = np.array(objects["label"], np.int32).reshape(-1)
    return Example(_number(record["image/filename"]), height, width, boxes, labels, crowds, areas)


def _in_pixels(boxes: Any, height: int, width: int, decimals: int) -> np.ndarray:
    """Return (n, 4) float32 from fractions of the sides, (y1, x1, y2, x2), undoing the rounding."""
    y1, x1, y2, x2 = np.array(boxes, np.float64).reshape(-1, 4).T
    pixels = np.stack([x1 * width, y1 * height, x2 * width, y2 * height], axis=1)
    return pixels.round(decimals).astype(np.float32)


def _number(name: bytes) -> int:
    """Map ``000005.jpg`` to 5, ``2008_000008.jpg`` to 2008000008."""
    return int(re.sub(r"\D", "", Path(name.decode()).stem))

"""Boxes in COCO's JSON format, and a folder of their images: read and checked once."""

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from benchmark.data.added import SPLITS
from benchmark.data.detection import registry
from benchmark.data.detection.example import Example
from benchmark.data.detection.images import FileImages
from benchmark.data.detection.registry import DetectionSet
from benchmark.data.images import DataError
from benchmark.data.photographs.files import checked_content, in_threads


@dataclass(frozen=True)
class Annotations:
    """What a file says."""

    categories: dict[int, str]
    """Id -> name, ids rising."""
    names: list[str]
    """Of the images' files, image by image."""
    examples: list[Example]
    """In the order of the images' ids. Labels are places in ``categories``."""


def add(name: str, train: tuple[Path, Path], test: tuple[Path, Path]) -> DetectionSet:
    """List images under a name of your own, in the place of what was there by it. ``train`` and
    ``test``: a JSON file and the folder that its ``file_name`` entries begin from.

    Every image is read and decoded once, so that no training ends at a damaged one. Raises
    DataError, which names file, rule and value.
    """
    registry.ADDED.require_free(name)
    read, folders = {}, {}
    for split, (file, folder) in zip(SPLITS, (train, test), strict=True):
        read[split] = read_annotations(file.expanduser())
        folders[split] = folder.expanduser().resolve()
    categories = read["train"].categories
    if read["test"].categories != categories:
        odd = sorted(set(read["test"].categories.items()) ^ set(categories.items()))
        rule = f"{test[0]} must have the categories of {train[0]}"
        raise DataError(f"{rule}. Received: {odd[0]} in one of them alone")
    truths, degenerate, columns, digests = {}, {}, {}, {}
    for split, found in read.items():
        truths[split], degenerate[split] = registry.cleaned(found.examples)
        sizes, digests[split] = _files(folders[split], found)
        encoded = [name.encode("utf-8", "surrogateescape") for name in found.names]
        columns[split] = {"name": np.array(encoded, np.bytes_), "size": sizes}
    content = {
        split: {**columns[split], "sha256": np.array(digests[split], np.bytes_)} for split in SPLITS
    }
    classes, category_ids = [*categories.values()], [*categories]
    images = FileImages({split: str(folder) for split, folder in folders.items()}, columns)
    sha256 = registry.digest(classes, category_ids, truths, content)
    return registry.save(
        DetectionSet(name, classes, category_ids, truths, images, sha256, degenerate)
    )


def read_annotations(file: Path) -> Annotations:
    """Raises DataError, which names the file, the entry, the rule and the value."""
    try:
        data = json.loads(file.read_bytes())
    except OSError as error:
        raise DataError(f"{file} must be readable. Received: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{file} must be JSON. Received: {error}") from error
    lists = {}
    for key in ("images", "annotations", "categories"):
        listed = data.get(key) if isinstance(data, dict) else None
        if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
            raise DataError(f"{file} must have a list of objects '{key}'. Received: {listed!r:.80}")
        lists[key] = listed
    images = _by_id(file, "images", lists["images"])
    categories = {
        number: _text(f"{file}: categories[{place}].name", category.get("name"))
        for number, (place, category) in sorted(
            _by_id(file, "categories", lists["categories"]).items()
        )
    }
    if not images or not categories:
        raise DataError(f"{file} must list images and categories. Received: none of one of them")
    boxes = _boxes(file, lists["annotations"], images, categories)
    names, examples = [], []
    for number, (place, image) in sorted(images.items()):
        where = f"{file}: images[{place}]"
        names.append(_file_name(f"{where}.file_name", image.get("file_name")))
        height, width = (_integer(f"{where}.{key}", image.get(key), 1) for key in _SIDES)
        examples.append(_example(number, height, width, boxes[number]))
    return Annotations(categories, names, examples)


_SIDES = ("height", "width")


@dataclass(frozen=True)
class _Box:
    box: tuple[float, float, float, float]
    label: int
    crowd: bool
    area: float


def _boxes(
    file: Path,
    annotations: list[dict[str, Any]],
    images: Mapping[int, Any],
    categories: Mapping[int, str],
) -> dict[int, list[_Box]]:
    """Image's id -> its boxes, in the file's order."""
    labels = {number: label for label, number in enumerate(categories)}
    found: dict[int, list[_Box]] = defaultdict(list)
    for place, each in enumerate(annotations):
        where = f"{file}: annotations[{place}]"
        image = _known(f"{where}.image_id", each.get("image_id"), images, "images")
        category = _known(f"{where}.category_id", each.get("category_id"), labels, "categories")
        box = each.get("bbox")
        if not isinstance(box, list) or len(box) != 4 or not all(map(_finite, box)):
            rule = f"{where}.bbox must be four finite numbers [x, y, width, height]"
            raise DataError(f"{rule}. Received: {box!r:.80}")
        x, y, width, height = map(float, box)
        if width < 0 or height < 0:
            rule = f"{where}.bbox must have no negative width or height"
            raise DataError(f"{rule}. Received: {box}")
        area, crowd = each.get("area", width * height), each.get("iscrowd", 0)
        if not _finite(area) or area < 0:
            raise DataError(f"{where}.area must be a number from 0 on. Received: {area!r:.80}")
        if crowd not in (0, 1):
            raise DataError(f"{where}.iscrowd must be 0 or 1. Received: {crowd!r:.80}")
        corners = x, y, x + width, y + height
        found[image].append(_Box(corners, labels[category], bool(crowd), float(area)))
    return found


def _example(number: int, height: int, width: int, boxes: list[_Box]) -> Example:
    return Example(
        number,
        height,
        width,
        np.array([each.box for each in boxes], np.float32).reshape(-1, 4),
        np.array([each.label for each in boxes], np.int32),
        np.array([each.crowd for each in boxes], bool),
        np.array([each.area for each in boxes], np.float32),
    )


def _by_id(
    file: Path, key: str, listed: list[dict[str, Any]]
) -> dict[int, tuple[int, dict[str, Any]]]:
    """Id -> its place in the list, and what has it."""
    found: dict[int, tuple[int, dict[str, Any]]] = {}
    for place, each in enumerate(listed):
        number = _integer(f"{file}: {key}[{place}].id", each.get("id"), 0)
        if number in found:
            rule = f"{file}: {key}[{place}].id must be an id of no other"
            raise DataError(f"{rule}. Received: {number}, as {key}[{found[number][0]}] has it")
        found[number] = place, each
    return found


def _integer(where: str, value: object, least: int) -> int:
    if type(value) is not int or not least <= value < 2**63:
        raise DataError(f"{where} must be an integer from {least} on. Received: {value!r:.80}")
    return value


def _known(where: str, value: object, known: Mapping[int, Any], key: str) -> int:
    if type(value) is not int or value not in known:
        raise DataError(f"{where} must be the id of one of '{key}'. Received: {value!r:.80}")
    return value


def _text(where: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise DataError(f"{where} must be a text. Received: {value!r:.80}")
    return value


def _file_name(where: str, value: object) -> str:
    name = PurePosixPath(_text(where, value))
    if name.is_absolute() or ".." in name.parts:
        raise DataError(f"{where} must lie in the folder of images. Received: {value!r:.80}")
    return str(name)


def _finite(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def _files(folder: Path, found: Annotations) -> tuple[np.ndarray, list[str]]:
    """Of each image's file, its size in bytes and its SHA-256."""
    wanted = [(folder / name, each) for name, each in zip(found.names, found.examples, strict=True)]
    sizes, digests = zip(*in_threads(_read_one, wanted), strict=True)
    return np.array(sizes, np.int64), list(digests)


def _read_one(wanted: tuple[Path, Example]) -> tuple[int, str]:
    from benchmark.data.photographs.decode import header

    path, example = wanted
    content = checked_content(path)
    about = header(content)
    if (about.height, about.width) != (example.height, example.width):
        rule = f"{path} must have the height and width of its annotation"
        expected = (example.height, example.width)
        raise DataError(f"{rule}, {expected}. Received: {(about.height, about.width)}")
    return len(content), hashlib.sha256(content).hexdigest()

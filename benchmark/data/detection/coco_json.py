"""Boxes in COCO's JSON format, and a folder with their images: read and checked once."""

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from benchmark.data import contents, digests, not_read
from benchmark.data.detection import registry
from benchmark.data.detection.detection_set import DetectionSet
from benchmark.data.detection.example import Example
from benchmark.data.images import DataError
from benchmark.data.photographs.files import checked_content, in_threads
from benchmark.data.photographs.orientation import QUARTER_TURNS, turn_noted
from benchmark.data.photographs.source import FileImages
from benchmark.data.register import SPLITS


@dataclass(frozen=True)
class Annotations:
    """The content of an annotation file."""

    categories: dict[int, str]
    """Id -> name, in ascending order of id."""
    names: list[str]
    """File name of each image."""
    examples: list[Example]
    """In the order of the images' ids. Labels are positions in ``categories``."""


def add(name: str, train: tuple[Path, Path], test: tuple[Path, Path]) -> DetectionSet:
    """List images under a name of your own, replacing anything added under it. ``train`` and
    ``test``: a JSON file and the folder that its ``file_name`` entries are relative to.

    Every image is read and decoded once, so that no training run fails on a damaged one. Files in
    the folders that are not listed are counted, and so are suspicious boxes and images
    (``suspect``). Raises DataError, which names file, rule and value.
    """
    registry.ADDED.require_free(name)
    registry.ADDED.require_room()
    read, folders = {}, {}
    for split, (file, folder) in zip(SPLITS, (train, test), strict=True):
        read[split] = read_annotations(file.expanduser())
        folders[split] = folder.expanduser().resolve()
    categories = read["train"].categories
    if read["test"].categories != categories:
        differ = sorted(set(read["test"].categories.items()) ^ set(categories.items()))
        rule = f"{test[0]} must have the categories of {train[0]}"
        raise DataError(f"{rule}. Received: {differ[0]} in only one of them")
    columns, content, turned = {}, {}, {}
    for split, found in read.items():
        sizes, sha256s, turned[split] = _files(folders[split], found)
        encoded = [name.encode("utf-8", "surrogateescape") for name in found.names]
        listed = {"name": np.array(encoded, np.bytes_), "size": sizes}
        content[split] = {**listed, "sha256": np.array(sha256s, np.bytes_)}
        columns[split] = {**listed, "digest": digests.column(sha256s)}
    return registry.save(
        name,
        categories,
        {split: found.examples for split, found in read.items()},
        FileImages({split: str(folder) for split, folder in folders.items()}, columns),
        content,
        turned=turned,
        not_read=_not_listed(folders, read, (train[0], test[0])),
    )


def read_annotations(file: Path) -> Annotations:
    """Read and check a file. Raises DataError, which names file, entry, rule and value."""
    try:
        content = file.read_bytes()
        data = json.loads(content)
    except OSError as error:
        raise DataError(f"{file} must be readable. Received: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        received = f"{contents.told(content)} ({error})"
        raise DataError(f"{file} must be JSON. Received: {received}") from error
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
        raise DataError(f"{file} must list images and categories. Received: one of them is empty")
    boxes = _boxes(file, lists["annotations"], images, categories)
    names, examples = [], []
    for number, (place, image) in sorted(images.items()):
        where = f"{file}: images[{place}]"
        names.append(_file_name(f"{where}.file_name", image.get("file_name")))
        height, width = (_integer(f"{where}.{key}", image.get(key), 1, _LONGEST) for key in _SIDES)
        rows = np.array(boxes[number], _BOX)
        columns = (rows[name] for name in ("corners", "label", "crowd", "area"))
        examples.append(Example(number, height, width, *columns))
    return Annotations(categories, names, examples)


_SIDES = ("height", "width")

_LONGEST = 2**24
"""Pixels: beyond this, consecutive float32 numbers are more than one apart."""


_BOX = np.dtype(
    [("corners", np.float32, 4), ("label", np.int32), ("crowd", bool), ("area", np.float32)]
)
"""What is kept of an annotation."""


def _boxes(
    file: Path,
    annotations: list[dict[str, Any]],
    images: Mapping[int, Any],
    categories: Mapping[int, str],
) -> dict[int, list[tuple[Any, ...]]]:
    """Return image id -> its boxes, in the file's order: rows of ``_BOX``."""
    labels = {number: label for label, number in enumerate(categories)}
    found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for place, each in enumerate(annotations):
        where = f"{file}: annotations[{place}]"
        image = _known(f"{where}.image_id", each.get("image_id"), images, "images")
        category = _known(f"{where}.category_id", each.get("category_id"), labels, "categories")
        box = each.get("bbox")
        if not isinstance(box, list) or len(box) != 4 or not all(map(_finite, box)):
            rule = f"{where}.bbox must be four finite numbers [x, y, width, height]"
            raise DataError(f"{rule}. Received: {_shown(box)}")
        x, y, width, height = map(float, box)
        if width < 0 or height < 0:
            rule = f"{where}.bbox must have no negative width or height"
            raise DataError(f"{rule}. Received: {box}")
        corners = x, y, x + width, y + height
        if max(map(abs, corners)) > _LONGEST:
            rule = f"{where}.bbox must lie within {_LONGEST:,} pixels"
            raise DataError(f"{rule}. Received: {box}")
        area, crowd = each.get("area", width * height), each.get("iscrowd", 0)
        if not _finite(area) or not 0 <= area <= _LONGEST**2:
            rule = f"{where}.area must be a number from 0 to {_LONGEST**2:,}"
            raise DataError(f"{rule}. Received: {_shown(area)}")
        if crowd not in (0, 1):
            raise DataError(f"{where}.iscrowd must be 0 or 1. Received: {crowd!r:.80}")
        found[image].append((corners, labels[category], crowd, area))
    return found


def _by_id(
    file: Path, key: str, listed: list[dict[str, Any]]
) -> dict[int, tuple[int, dict[str, Any]]]:
    """Return id -> its position in the list, and its entry."""
    found: dict[int, tuple[int, dict[str, Any]]] = {}
    for place, each in enumerate(listed):
        number = _integer(f"{file}: {key}[{place}].id", each.get("id"), 0)
        if number in found:
            rule = f"{file}: {key}[{place}].id must be unique"
            raise DataError(f"{rule}. Received: {number}, like {key}[{found[number][0]}]")
        found[number] = place, each
    return found


def _integer(where: str, value: object, min_: int, max_: int = 2**63 - 1) -> int:
    if type(value) is not int or not min_ <= value <= max_:
        rule = f"{where} must be an integer from {min_} to {max_:,}"
        raise DataError(f"{rule}. Received: {_shown(value)}")
    return value


def _shown(value: object) -> str:
    """Return the beginning of a value, for messages."""
    try:
        return f"{value!r:.80}"
    except ValueError:  # Python does not print integers of thousands of digits.
        return "a number of thousands of digits"


def _known(where: str, value: object, known: Mapping[int, Any], key: str) -> int:
    if type(value) is not int or value not in known:
        raise DataError(f"{where} must be the id of one of '{key}'. Received: {value!r:.80}")
    return value


def _text(where: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise DataError(f"{where} must be a non-empty string. Received: {value!r:.80}")
    return value


def _file_name(where: str, value: object) -> str:
    name = PurePosixPath(_text(where, value))
    if name.is_absolute() or ".." in name.parts:
        raise DataError(f"{where} must lie in the folder of images. Received: {value!r:.80}")
    return str(name)


def _finite(value: object) -> bool:
    """Return whether a value is finite as a float; an integer may be too large for one."""
    try:
        return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]
    except OverflowError:
        return False


def _files(folder: Path, found: Annotations) -> tuple[np.ndarray, list[str], list[str]]:
    """Return the size in bytes and the SHA-256 of each image's file, and the names of those to be
    shown turned."""
    wanted = [(folder / name, each) for name, each in zip(found.names, found.examples, strict=True)]
    sizes, sha256s, turns = zip(*in_threads(_read_one, wanted), strict=True)
    turned = [name for name, turn in zip(found.names, turns, strict=True) if turn]
    return np.array(sizes, np.int64), list(sha256s), turned


def _read_one(wanted: tuple[Path, Example]) -> tuple[int, str, str]:
    from benchmark.data.photographs.decode import header

    path, example = wanted
    content = checked_content(path)
    about = header(content)
    turn = turn_noted(content)
    if (about.height, about.width) != (example.height, example.width):
        rule = f"{path} must have the height and width of its annotation"
        expected = (example.height, example.width)
        why = ""
        if turn in QUARTER_TURNS and (about.width, about.height) == expected:
            why = (
                f". Its camera noted that it should be shown {turn} (EXIF), and its annotation is "
                "for the turned image; state the height, width and boxes of the pixels as they are "
                "stored, or store the image turned"
            )
        raise DataError(f"{rule}, {expected}. Received: {(about.height, about.width)}{why}")
    return len(content), hashlib.sha256(content).hexdigest(), turn


def _not_listed(
    folders: Mapping[str, Path], read: Mapping[str, Annotations], files: tuple[Path, Path]
) -> dict[str, not_read.Counts]:
    """Return split -> number of files in its folder that no annotation names, by kind."""
    listed = {folders[split] / name for split, found in read.items() for name in found.names}
    listed |= {file.expanduser().resolve() for file in files}
    left: dict[str, not_read.Counts] = {}
    for split, folder in folders.items():
        if folder in [folders[before] for before in left]:
            continue
        left[split] = dict(not_read.counted_below(folder, folder, but=listed))
    return left

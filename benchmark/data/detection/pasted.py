"""``pasted-cifar``: embedded CIFAR images, pasted at known places onto larger canvases. It has real
pixels and exact boxes without a download, but is not a detection data set that anyone else uses."""

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image

from benchmark.data import cifar10
from benchmark.data.detection.detection_set import DetectionSet, digest
from benchmark.data.detection.example import Example, joined
from benchmark.data.images import Images, chosen
from benchmark.data.photographs.draws import CANVAS, integer, uniform, words
from benchmark.data.photographs.source import Columns
from benchmark.data.register import SPLITS
from benchmark.spec.boxes import PASTED, PastedSpec

SOURCE = "cifar10-subset"
"""The images that are pasted: training images onto training canvases, test images onto those that
are scored."""

_IMAGE = 32

MAX_OVERLAP = 0.2
"""Limit for two objects on a canvas, by area of the smaller one. The later hides the earlier."""

_TRIES = 20
"""Places drawn for an object; if all overlap other objects too much, it is left out."""

_BLURRED, _DARKER = 8, 2
"""Pixels per side that a background is reduced to, and the divisor of its brightness."""


@dataclass(frozen=True)
class Pasted:
    """An image on a canvas."""

    image: int
    """Index in CIFAR's split."""
    left: int
    top: int
    side: int


@dataclass(frozen=True)
class Layout:
    """The content of a canvas."""

    background: int
    """Index in CIFAR's split of the blurred image, or a colour, 0xRRGGBB."""
    objects: list[Pasted]
    """In the order in which they are pasted."""


def pasted(spec: PastedSpec) -> DetectionSet:
    """Return the whole set: a pure function of its spec. Pixels are made only on request."""
    counts = {"train": spec.train_canvases, "test": spec.test_canvases}
    truths = {
        split: joined(example(spec, split, index) for index in range(counts[split]))
        for split in SPLITS
    }
    every = range(len(cifar10.CLASSES))
    classes = [cifar10.CLASSES[label] for label in spec.only_classes or every]
    ids = [*range(1, len(classes) + 1)]
    pixels = np.frombuffer(bytes.fromhex(cifar10.SHA256[SOURCE]), np.uint8)
    stated = np.frombuffer(spec.canonical_json().encode(), np.uint8)
    files = {split: {"cifar": pixels, "spec": stated} for split in SPLITS}
    sha256 = digest(classes, ids, truths, files)
    return DetectionSet(PASTED, classes, ids, truths, PastedImages(spec), sha256)


def layout(spec: PastedSpec, split: str, index: int) -> Layout:
    """Return a canvas's layout: a pure function of the set's seed, the split and the index. It has
    at least one object."""
    count = len(_of(spec, split)[1])
    each = 2 + 2 * _TRIES
    drawn = words(spec.seed, SPLITS.index(split), index, CANVAS, 2 + each * spec.max_objects)
    number, behind, *rest = drawn
    objects: list[Pasted] = []
    for start in range(0, each * integer(number, 1, spec.max_objects), each):
        image, scale, *places = rest[start : start + each]
        side = round(_IMAGE * uniform(scale, spec.min_scale, spec.max_scale))
        for left, top in zip(places[::2], places[1::2], strict=True):
            room = spec.side - side
            new = Pasted(
                integer(image, 0, count - 1), integer(left, 0, room), integer(top, 0, room), side
            )
            if all(overlap(new, old) <= MAX_OVERLAP for old in objects):
                objects.append(new)
                break
    plain = spec.background == "plain"
    return Layout(integer(behind, 0, 0xFFFFFF if plain else count - 1), objects)


def overlap(one: Pasted, other: Pasted) -> float:
    """Return the area that both cover, as a fraction of the area of the smaller one."""
    width = min(one.left + one.side, other.left + other.side) - max(one.left, other.left)
    height = min(one.top + one.side, other.top + other.side) - max(one.top, other.top)
    return max(0, width) * max(0, height) / min(one.side, other.side) ** 2


def example(spec: PastedSpec, split: str, index: int) -> Example:
    """Return the ground truth of a canvas: each box is that of the whole pasted image, even if
    another one hides part of it."""
    objects = layout(spec, split, index).objects
    labels = _of(spec, split)[1]
    boxes = [(o.left, o.top, o.left + o.side, o.top + o.side) for o in objects]
    return Example(
        image_id=index,
        height=spec.side,
        width=spec.side,
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        labels=np.array([labels[o.image] for o in objects], np.int32),
        crowds=np.zeros(len(objects), bool),
        areas=np.array([o.side**2 for o in objects], np.float32),
    )


def canvas(spec: PastedSpec, split: str, index: int) -> np.ndarray:
    """Return the pixels of a canvas: (side, side, 3) uint8."""
    images = _of(spec, split)[0]
    what = layout(spec, split, index)
    size = spec.side, spec.side
    if spec.background == "plain":
        drawn = Image.new("RGB", size, f"#{what.background:06x}")
    else:
        small = Image.fromarray(images[what.background] // _DARKER)
        small = small.resize((_BLURRED, _BLURRED), Image.Resampling.BOX)
        drawn = small.resize(size, Image.Resampling.BILINEAR)
    for each in what.objects:
        image = Image.fromarray(images[each.image])
        scaled = image.resize((each.side, each.side), Image.Resampling.BILINEAR)
        drawn.paste(scaled, (each.left, each.top))
    return np.asarray(drawn)


@dataclass(frozen=True)
class PastedImages:
    """The canvases, as PNG files that are made on request."""

    spec: PastedSpec
    columns: ClassVar[Columns] = {}

    def path(self, split: str, index: int) -> Path:
        """See ``Encoded``."""
        return Path(PASTED, split, f"{index}.png")

    def encoded(self, split: str, index: int) -> bytes:
        """See ``Encoded``."""
        file = io.BytesIO()
        Image.fromarray(canvas(self.spec, split, index)).save(file, "PNG", compress_level=1)
        return file.getvalue()

    def check(self) -> None:
        """See ``Encoded``."""
        _cifar(self.spec.only_classes)


@lru_cache(maxsize=4)
def _cifar(only_classes: tuple[int, ...] | None) -> Images:
    """Return the embedded images of some classes. Raises DataError."""
    return chosen(cifar10.load(SOURCE), only_classes, None)


def _of(spec: PastedSpec, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return CIFAR's images and labels of a split."""
    arrays = _cifar(spec.only_classes).arrays()
    return arrays[f"{split}_images"], arrays[f"{split}_labels"]

"""A detector's detections, image by image, and their JSON: from it scores can be recomputed without
the model."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.data.detection.example import Truths


@dataclass(frozen=True)
class Detections:
    """The detections in one image. Raises ValueError if the arrays do not match each other."""

    image_id: int
    boxes: np.ndarray
    """(n, 4) float32, (x1, y1, x2, y2) in pixels of the stored image."""
    scores: np.ndarray
    """(n,) float32."""
    labels: np.ndarray
    """(n,) int32, from 0."""

    def __post_init__(self) -> None:
        count = len(self.scores)
        shapes = self.boxes.shape, self.scores.shape, self.labels.shape
        if shapes != ((count, 4), (count,), (count,)):
            rule = f"image {self.image_id} must have boxes (n, 4), scores (n,) and labels (n,)"
            raise ValueError(f"{rule}. Received: {shapes}")
        if not (np.isfinite(self.boxes).all() and np.isfinite(self.scores).all()):
            raise ValueError(f"image {self.image_id} must have finite boxes and scores")


def in_order(truths: Truths, found: Iterable[Detections], classes: int) -> list[Detections]:
    """Return the detections in the order of the ground truth's images. Raises RuntimeError if an
    image is missing, repeated or unknown, ValueError if a label is not a class."""
    by_id: dict[int, Detections] = {}
    for each in found:
        if each.image_id in by_id:
            raise RuntimeError(f"each image must be scored once. Received twice: {each.image_id}")
        if len(each.labels) and not 0 <= each.labels.min() <= each.labels.max() < classes:
            rule = f"labels of image {each.image_id} must be from 0 to {classes - 1}"
            raise ValueError(f"{rule}. Received: {each.labels.tolist()!r:.80}")
        by_id[each.image_id] = each
    wanted = truths.ids.tolist()
    if odd := {*wanted} ^ {*by_id}:
        what = "missing" if min(odd) not in by_id else "of no image"
        rule = f"each of {len(wanted)} images must be scored once"
        raise RuntimeError(f"{rule}. Received: {len(by_id)}; {what}: {min(odd)}")
    return [by_id[number] for number in wanted]


def coco_results(found: Iterable[Detections], category_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Return detections in COCO's results format: boxes [x, y, width, height], category ids."""
    return [
        {
            "image_id": each.image_id,
            "category_id": category_ids[label],
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "score": score,
        }
        for each in found
        for (x1, y1, x2, y2), score, label in zip(
            each.boxes.tolist(), each.scores.tolist(), each.labels.tolist(), strict=True
        )
    ]


def to_json(found: Iterable[Detections]) -> str:
    """Return a JSON list with one object per image, including images without detections. Every
    float32 survives the round trip exactly."""
    images = [
        {
            "image_id": each.image_id,
            "boxes": each.boxes.astype(np.float32).tolist(),
            "scores": each.scores.astype(np.float32).tolist(),
            "labels": each.labels.tolist(),
        }
        for each in found
    ]
    return "[\n" + ",\n".join(map(json.dumps, images)) + "\n]\n"


def first_from_json(lines: Iterable[str], ids: Sequence[int]) -> list[Detections]:
    """Return the detections in some images, in the order of ``ids``, from lines written by
    ``to_json``; stop reading after the last one needed. Raises ValueError if one is missing."""
    found: dict[int, Detections] = {}
    for line in lines:
        if line.startswith("{"):
            (each,) = from_json(f"[{line.rstrip().rstrip(',')}]")
            found[each.image_id] = each
        if found.keys() >= set(ids):
            return [found[number] for number in ids]
    raise ValueError(f"detections must be of images {list(ids)}. Received: {list(found)[:20]}")


def from_json(text: str) -> list[Detections]:
    """Read what ``to_json`` wrote. Raises ValueError for any other text."""
    try:
        return [
            Detections(
                each["image_id"],
                np.array(each["boxes"], np.float32).reshape(-1, 4),
                np.array(each["scores"], np.float32),
                np.array(each["labels"], np.int32),
            )
            for each in json.loads(text)
        ]
    except (KeyError, TypeError) as error:
        raise ValueError(f"detections must be a list of images. Received: {error!r}") from error

"""COCO's average precision, computed by pycocotools."""

import contextlib
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from benchmark.data.detection.example import Truths
from benchmark.evaluation.boxes.detections import Detections, coco_results, in_order

SCORES = (
    "ap_percent",
    "ap50_percent",
    "ap75_percent",
    "ap_small_percent",
    "ap_medium_percent",
    "ap_large_percent",
)
"""The mean over thresholds of intersection over union of 0.5, 0.55, ... 0.95; at 0.5 and at 0.75
only; and that mean for objects with areas of at most 32**2, up to 96**2, and at least 96**2 square
pixels. Of each image's detections the best 100 by score count."""


def coco_scores(
    truths: Truths, found: Iterable[Detections], category_ids: Sequence[int]
) -> dict[str, float | None]:
    """Return ``SCORES`` in percent; None if there are no objects. ``category_ids``: label -> COCO's
    id, one for each class.

    Crowds are as in COCO: detections on them count neither for nor against. Raises RuntimeError
    unless each image is scored exactly once.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    results = coco_results(in_order(truths, found, len(category_ids)), category_ids)
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress.
        truth = COCO()
        truth.dataset = _dataset(truths, category_ids)
        truth.createIndex()
        # loadRes does not accept an empty list.
        detected = truth.loadRes(results) if results else COCO()
        scored = COCOeval(truth, detected, "bbox")
        scored.params.imgIds, scored.params.catIds = truths.ids.tolist(), [*category_ids]
        scored.evaluate()
        scored.accumulate()
        scored.summarize()
    return dict(zip(SCORES, map(_percent, scored.stats[:6]), strict=True))


def _dataset(truths: Truths, category_ids: Sequence[int]) -> dict[str, Any]:
    images = zip(truths.ids.tolist(), truths.heights.tolist(), truths.widths.tolist(), strict=True)
    owners = np.repeat(truths.ids, truths.counts).tolist()
    rows = zip(
        owners,
        truths.labels.tolist(),
        truths.boxes.tolist(),
        truths.crowds.tolist(),
        truths.areas.tolist(),
        strict=True,
    )
    return {
        "images": [{"id": number, "height": h, "width": w} for number, h, w in images],
        "categories": [{"id": number} for number in category_ids],
        "annotations": [
            {
                "id": place,  # From 1: pycocotools reads 0 as no match.
                "image_id": owner,
                "category_id": category_ids[label],
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "iscrowd": int(crowd),
                "area": area,
            }
            for place, (owner, label, (x1, y1, x2, y2), crowd, area) in enumerate(rows, start=1)
        ],
    }


def _percent(part: float) -> float | None:
    """Return a fraction in percent; None for -1, pycocotools' value if there are no objects."""
    return None if part < 0 else float(100 * part)

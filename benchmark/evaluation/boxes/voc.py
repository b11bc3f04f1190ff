"""Pascal VOC's mean average precision, as its development kit computes it."""

from collections.abc import Iterable
from typing import Literal

import numpy as np

from benchmark.data.detection.example import Truths
from benchmark.evaluation.boxes.detections import Detections, in_order

Method = Literal["11-point", "continuous"]

_LEVELS = 10


def voc_map_percent(
    truths: Truths,
    found: Iterable[Detections],
    classes: int,
    *,
    method: Method,
    min_overlap: float = 0.5,
) -> float | None:
    """Return the mean, over the classes that have objects, of VOC's average precision in percent;
    None if there are no objects. ``method``: ``11-point``, the rule until VOC 2009 and the one
    behind VOC 2007's numbers, or ``continuous``, the area under the curve, from VOC 2010 on.

    A detection is assigned to the object of its class that it overlaps most, if their intersection
    over union is at least ``min_overlap``. The one with the best score is a true positive, others
    are false positives; detections of a difficult object (a crowd, in ``Truths``) count neither for
    nor against. Ties in score follow the order of the ground truth's images. Raises RuntimeError
    unless each image is scored exactly once.
    """
    ordered = in_order(truths, found, classes)
    precisions = [
        _average_precision(*_matched(truths, ordered, label, min_overlap), method)
        for label in range(classes)
    ]
    there = [each for each in precisions if each is not None]
    return float(np.mean(there)) if there else None


def _matched(
    truths: Truths, found: list[Detections], label: int, min_overlap: float
) -> tuple[np.ndarray, int]:
    """Return whether each detection of a class that counts is right, best score first, and the
    number of objects of the class that are not difficult."""
    scores, owners, kinds = [], [], []
    objects = 0
    for index, detections in enumerate(found):
        truth, chosen = truths[index], detections.labels == label
        here = truth.labels == label
        objects += int((here & ~truth.crowds).sum())
        scores.append(detections.scores[chosen])
        belongs = _best_overlaps(detections.boxes[chosen], truth.boxes[here], min_overlap)
        difficult = np.append(truth.crowds[here], False)  # At -1: assigned to no object.
        owners += [(index, place) for place in belongs.tolist()]
        kinds.append(difficult[belongs])
    order = np.argsort(-np.concatenate([np.zeros(0, np.float32), *scores]), kind="stable")
    ignored = np.concatenate([np.zeros(0, bool), *kinds])
    right, taken = [], set()
    for place in order.tolist():
        if ignored[place]:
            continue
        owner = owners[place]
        right.append(owner[1] >= 0 and owner not in taken)
        taken.add(owner)
    return np.array(right, bool), objects


def _best_overlaps(boxes: np.ndarray, truth: np.ndarray, min_overlap: float) -> np.ndarray:
    """Return (n,) int: the index of the true box that each box overlaps most, -1 if the overlap is
    below ``min_overlap``."""
    from pycocotools.mask import iou

    if not len(boxes) or not len(truth):
        return np.full(len(boxes), -1)
    overlaps = iou(_corner_and_size(boxes), _corner_and_size(truth), [0] * len(truth))
    best = overlaps.argmax(axis=1)
    return np.where(overlaps.max(axis=1) >= min_overlap, best, -1)


def _corner_and_size(boxes: np.ndarray) -> np.ndarray:
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).astype(np.float64)


def _average_precision(right: np.ndarray, objects: int, method: Method) -> float | None:
    """Return the average precision in percent; None if there are no objects."""
    if not objects:
        return None
    hits = np.cumsum(right)
    precision = hits / np.arange(1, len(right) + 1)
    # The best precision at this recall or a higher one.
    reached = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    if method == "11-point":
        # The first index whose recall reaches each level, in tenths: exact, since all are integers.
        levels = np.arange(_LEVELS + 1)
        places = np.searchsorted(_LEVELS * hits, levels * objects)
        return float(100 * reached[places].mean())
    return float(100 * reached[:-1][right].sum() / objects)

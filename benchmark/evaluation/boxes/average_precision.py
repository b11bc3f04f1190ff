"""The average precisions that a detection run is judged by."""

from collections.abc import Sequence

from benchmark.data.detection.example import Truths
from benchmark.evaluation.boxes.coco import coco_scores
from benchmark.evaluation.boxes.detections import Detections
from benchmark.evaluation.boxes.voc import Method, voc_scores

_METHODS: dict[int, Method] = {2007: "11-point", 2012: "continuous"}
"""VOC's year -> how its numbers are computed."""


def average_precisions(
    truths: Truths,
    found: Sequence[Detections],
    category_ids: Sequence[int],
    *,
    voc_year: int | None = None,
) -> dict[str, float | None]:
    """In percent, by name: COCO's, and of VOC's images of a year its ``map_percent``; None where
    there is no object to be found. Raises RuntimeError where an image is not scored once."""
    coco = coco_scores(truths, found, category_ids)
    scores = {
        name: getattr(coco, name)
        for name in (
            "ap_percent",
            "ap50_percent",
            "ap75_percent",
            "ap_small_percent",
            "ap_medium_percent",
            "ap_large_percent",
        )
    }
    if voc_year:
        method = _METHODS[voc_year]
        scores["map_percent"] = voc_scores(
            truths, found, len(category_ids), method=method
        ).map_percent
    return scores

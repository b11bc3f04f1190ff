"""The average precisions by which a detection run is judged."""

from collections.abc import Sequence

from benchmark.data.detection.example import Truths
from benchmark.evaluation.boxes.coco import coco_scores
from benchmark.evaluation.boxes.detections import Detections
from benchmark.evaluation.boxes.voc import Method, voc_map_percent

_METHODS: dict[int, Method] = {2007: "11-point", 2012: "continuous"}
"""VOC year -> how its average precision is computed."""


def average_precisions(
    truths: Truths,
    found: Sequence[Detections],
    category_ids: Sequence[int],
    *,
    voc_year: int | None = None,
) -> dict[str, float | None]:
    """Return COCO's average precisions in percent, by name, and for a VOC year its ``map_percent``;
    None if there are no objects. Raises RuntimeError unless each image is scored exactly once."""
    scores = coco_scores(truths, found, category_ids)
    if voc_year:
        method = _METHODS[voc_year]
        scores["map_percent"] = voc_map_percent(truths, found, len(category_ids), method=method)
    return scores

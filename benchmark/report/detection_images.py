"""Detections drawn on the images that detectors' runs kept for reports."""

import numpy as np
import pandas as pd

from benchmark.evaluation.boxes.detections import Detections, first_from_json
from benchmark.records.detection_images import Shown, load_shown
from benchmark.records.problems import RecordsError
from benchmark.records.store import RunFolder, Store
from benchmark.report.figures.detections import Gallery, Picture
from benchmark.report.values import detects
from benchmark.status import Status

IMAGES, VARIANTS = 4, 8
"""Maximum number of columns (one per image) and rows (one per variant)."""


def gallery(store: Store, runs: pd.DataFrame) -> Gallery | None:
    """Return the pictures of each variant's first finished seed that kept images; None if none did.

    Raises RecordsError if the kept files are corrupt.
    """
    finished = runs[detects(runs) & (runs["status"] == Status.FINISHED)].sort_values(
        "seed", kind="stable"
    )
    rows: dict[str, tuple[Shown, list[Detections]]] = {}
    for variant in dict.fromkeys(runs["variant"]):
        for run_id in finished.loc[finished["variant"] == variant, "run_id"]:
            if variant not in rows and len(rows) < VARIANTS and (row := _row(store.run(run_id))):
                rows[variant] = row
    if not rows:
        return None
    columns = min(IMAGES, *(len(shown.images) for shown, _ in rows.values()))
    # Variants may use different data sets, so each has its own range of classes.
    pictures: list[Picture] = []
    classes: list[str] = []
    for variant, (shown, found) in rows.items():
        for place in range(columns):
            objects = ~shown.crowds[place]  # A crowd is not an object.
            picture = Picture(
                pixels=shown.images[place],
                true_boxes=shown.boxes[place][objects],
                true_labels=shown.labels[place][objects] + len(classes),
                boxes=found[place].boxes,
                scores=found[place].scores,
                labels=np.asarray(found[place].labels) + len(classes),
                title=f"{variant}: image {shown.ids[place]}",
            )
            pictures.append(picture)
        classes += shown.classes
    return Gallery(pictures, columns, classes)


def _row(folder: RunFolder) -> tuple[Shown, list[Detections]] | None:
    shown = load_shown(folder)
    if shown is None or not shown.images or not folder.detections.exists():
        return None
    try:
        with folder.detections.open(encoding="utf-8") as lines:
            return shown, first_from_json(lines, shown.ids)
    except ValueError as error:
        raise RecordsError(f"{folder.detections}: {error}") from error

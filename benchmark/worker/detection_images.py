"""The images on which a report shows a detector's detections."""

import io

import numpy as np
from PIL import Image

from benchmark.data.detection.detection_set import DetectionSet
from benchmark.records.detection_images import Shown

COUNT = 4
"""Number of images; a run's folder should stay small."""


def first_shown(found: DetectionSet) -> Shown:
    """Return the first scored images that have objects, at most ``COUNT``, as they were stored.
    Raises DataError, which names the file, if one is no longer there."""
    truths = found.truths["test"]
    chosen = np.flatnonzero(truths.objects > 0)[:COUNT].tolist()
    examples = [truths[index] for index in chosen]
    return Shown(
        images=[_decoded(found.images.encoded("test", index)) for index in chosen],
        ids=[each.image_id for each in examples],
        boxes=[each.boxes for each in examples],
        labels=[each.labels for each in examples],
        crowds=[each.crowds for each in examples],
        classes=found.classes,
    )


def _decoded(encoded: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(encoded)) as image:
        return np.asarray(image.convert("RGB"))

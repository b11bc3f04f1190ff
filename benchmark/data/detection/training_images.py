"""Which of a detector's images are trained on, and whether they can be. Does not need TensorFlow:
it is also called before a suite starts."""

import numpy as np

from benchmark.data.detection.example import Truths
from benchmark.data.images import DataError
from benchmark.spec.boxes import BoxesSpec


def trained(spec: BoxesSpec, truths: Truths, batch_size: int | None = None) -> np.ndarray:
    """Return index among the images trained on -> index in the training split.

    ``batch_size``: for a run that trains. Raises DataError if there are fewer images than that, or
    none, or if one has more boxes than ``max_boxes``.
    """
    kept = np.full(len(truths), True) if spec.train_without_objects else truths.objects > 0
    found = np.flatnonzero(kept)
    if not len(found):
        raise DataError(f"{spec.name} must have training images with objects. Received: none")
    most = int(truths.counts[found].max())
    if most > spec.max_boxes:
        rule = f"max_boxes must be at least {most}, the most that a training image has"
        raise DataError(f"{rule} ({spec.name}). Received: {spec.max_boxes}")
    if batch_size is not None and batch_size > len(found):
        left = len(truths) - len(found)
        rule = f"optimizer.batch_size must be at most the {len(found)} images of {spec.name} that"
        why = f" ({left} without objects are left out)" if left else ""
        raise DataError(f"{rule} are trained on{why}. Received: {batch_size}")
    return found

"""Images with boxes: their ground truth and where they are stored."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.data.detection.example import Truths
from benchmark.data.notes import checked_by
from benchmark.data.photographs.source import Columns, Encoded
from benchmark.data.register import SPLITS
from benchmark.spec.boxes import BoxContentSpec


@dataclass(frozen=True)
class DetectionSet:
    """Images with boxes, in the splits ``train`` and ``test``."""

    name: str
    classes: list[str]
    """Label -> name."""
    category_ids: list[int]
    """Label -> the source's id, in ascending order."""
    truths: Mapping[str, Truths]
    images: Encoded
    sha256: str
    """The readers say what it covers."""
    degenerate: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(SPLITS, 0))
    """Split -> number of boxes without area within their image, which are not in ``truths``."""
    noted: Mapping[str, Any] = field(default_factory=dict)
    """Notes made when they were added: see ``data.notes``."""

    @property
    def checked(self) -> str:
        """What is checked when a file is read."""
        return checked_by(self.images.columns)

    @property
    def place(self) -> Path:
        """The folder of the first image."""
        return self.images.path("train", 0).parent

    @property
    def content(self) -> BoxContentSpec:
        """The content as a spec states it."""
        return BoxContentSpec(
            classes=len(self.classes),
            train_images=len(self.truths["train"]),
            test_images=len(self.truths["test"]),
            sha256=self.sha256,
        )


def digest(
    classes: list[str], category_ids: list[int], truths: Mapping[str, Truths], files: Columns
) -> str:
    """Return the SHA-256 of the categories and, split by split, of the truth and file columns."""
    found = hashlib.sha256(json.dumps([category_ids, classes]).encode())
    for split in SPLITS:
        for name, array in (arrays(truths[split]) | dict(files[split])).items():
            found.update(f"\n{split} {name} {array.dtype.str} {array.shape}\n".encode())
            found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def arrays(truths: Truths) -> dict[str, np.ndarray]:
    """Return field -> its array."""
    return {field.name: getattr(truths, field.name) for field in fields(Truths)}

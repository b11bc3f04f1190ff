"""A data set in memory, and its digest."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar

import numpy as np


@dataclass(frozen=True)
class Images:
    """Images (n, height, width, 3) and labels (n,), uint8, in the data set's official order."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray

    checked: ClassVar[str] = "sha256"
    """What is checked: the digest of all pixels and labels."""
    noted: ClassVar[Mapping[str, Any]] = {}
    """Notes made when the data set was added: none."""

    @cached_property
    def sha256(self) -> str:
        """The digest of all pixels and labels, in the order of the fields."""
        digest = hashlib.sha256()
        for array in self.arrays().values():
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def arrays(self) -> dict[str, np.ndarray]:
        """Return field -> array."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def chosen(
    images: Images, only_classes: Sequence[int] | None, train_per_class: int | None
) -> Images:
    """Keep the images of some classes, renumbered in that order, and only the first
    ``train_per_class`` training images of each; the official order is kept."""
    arrays = images.arrays()
    if only_classes is not None:
        number = np.full(256, 255, np.uint8)
        number[list(only_classes)] = np.arange(len(only_classes))
        for split in ("train", "test"):
            labels = number[arrays[f"{split}_labels"]]
            kept = np.flatnonzero(labels != 255)
            arrays[f"{split}_labels"] = labels[kept]
            arrays[f"{split}_images"] = arrays[f"{split}_images"][kept]
    if train_per_class is not None:
        labels = arrays["train_labels"]
        first = [np.flatnonzero(labels == each)[:train_per_class] for each in np.unique(labels)]
        kept = np.sort(np.concatenate(first))
        arrays["train_labels"], arrays["train_images"] = labels[kept], arrays["train_images"][kept]
    return Images(**arrays)


class DataError(RuntimeError):
    """Images that are missing or not as expected; the message says what to do."""

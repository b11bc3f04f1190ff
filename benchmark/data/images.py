"""A data set in memory, and its digest."""

import hashlib
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Images:
    """Images (n, height, width, 3) and labels (n,), uint8, in the data set's official order."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray

    @cached_property
    def sha256(self) -> str:
        """Of all pixels and labels, in the fields' order."""
        digest = hashlib.sha256()
        for array in self.arrays().values():
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def arrays(self) -> dict[str, np.ndarray]:
        """Field -> array."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


class DataError(RuntimeError):
    """Images that are missing or are not what they should be; the message says what to do."""

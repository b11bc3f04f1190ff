"""The SHA-256 of each file of a data set, to find changed files and duplicates."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

BYTES = 32
"""Length of one digest."""


def column(digests: Sequence[str | bytes]) -> np.ndarray:
    """Return (n, 32) uint8, from digests in hexadecimal or as raw bytes."""
    raw = b"".join(bytes.fromhex(each) if isinstance(each, str) else each for each in digests)
    return np.frombuffer(raw, np.uint8).reshape(-1, BYTES)


def of(content: bytes) -> bytes:
    """Return the digest of a file's content."""
    return hashlib.sha256(content).digest()


class Repeated(NamedTuple):
    """Numbers of duplicate files, byte for byte."""

    train: int
    """Training images identical to an earlier training image."""
    test: int
    """Test images identical to an earlier test image."""
    test_in_train: int
    """Test images that also occur among the training images."""
    in_other_classes: int
    """Images of either split that also occur with another class."""

    def told(self) -> list[str]:
        """Return a line for each number above 0."""
        lines = (
            (self.test_in_train, "test images are training images too"),
            (self.train, "training images are copies of others"),
            (self.test, "test images are copies of others"),
            (self.in_other_classes, "images also occur with another class"),
        )
        return [f"{count:,} {what}" for count, what in lines if count]


def repeated(
    digests: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray] | None = None
) -> Repeated:
    """Count the duplicates in both splits. ``labels``: for images that have one class each."""
    rows = {split: _rows(own) for split, own in digests.items()}
    train, test = rows["train"], rows["test"]
    both = np.concatenate([train, test])
    others = 0
    if labels is not None:
        _, group = np.unique(both, return_inverse=True)
        each = np.concatenate([labels["train"], labels["test"]]).astype(np.int64)
        pairs = np.unique(np.stack([group, each]), axis=1)
        ambiguous = np.bincount(pairs[0], minlength=group.max() + 1) > 1
        others = int(ambiguous[group].sum())
    return Repeated(
        train=len(train) - len(np.unique(train)),
        test=len(test) - len(np.unique(test)),
        test_in_train=int(np.isin(test, train).sum()),
        in_other_classes=others,
    )


def _rows(digests: np.ndarray) -> np.ndarray:
    """Return (n,): each row as one value."""
    return np.ascontiguousarray(digests).view(np.dtype((np.void, BYTES))).reshape(-1)

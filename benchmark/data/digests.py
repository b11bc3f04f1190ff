"""The SHA-256 of each file of a data set: whether one was changed, and which are the same."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

BYTES = 32
"""Of one of them."""


def column(digests: Sequence[str | bytes]) -> np.ndarray:
    """(n, 32) uint8, of digests in hexadecimal or as they are."""
    raw = b"".join(bytes.fromhex(each) if isinstance(each, str) else each for each in digests)
    return np.frombuffer(raw, np.uint8).reshape(-1, BYTES)


def of(content: bytes) -> bytes:
    """Of a file's content."""
    return hashlib.sha256(content).digest()


class Repeated(NamedTuple):
    """Files that are there more than once, byte for byte."""

    train: int
    """Training images that another training image before them is the same as."""
    test: int
    """The same of test images."""
    test_in_train: int
    """Test images that are among the training images."""
    in_other_classes: int
    """Images of either split that are there as images of another class, too."""

    def told(self) -> list[str]:
        """A line for each number above 0."""
        lines = (
            (self.test_in_train, "test images are training images too"),
            (self.train, "training images are copies of others"),
            (self.test, "test images are copies of others"),
            (self.in_other_classes, "images are there as images of another class, too"),
        )
        return [f"{count:,} {what}" for count, what in lines if count]


def repeated(
    digests: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray] | None = None
) -> Repeated:
    """Of the columns of both splits. ``labels``: of images that have a class each."""
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
    """(n,): each row as one value."""
    return np.ascontiguousarray(digests).view(np.dtype((np.void, BYTES))).reshape(-1)

"""The bytes of photographs, by index: from a class-per-folder tree, or from tensorflow-datasets."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmark.data import digests
from benchmark.data.images import DataError


@dataclass(frozen=True)
class Listing:
    """The photographs of a split, in a fixed order of their names. A photograph's index is its
    position in this order."""

    names: np.ndarray
    """(n,) bytes: the path below a tree's root, or tensorflow-datasets' file name."""
    labels: np.ndarray
    """(n,) int32: positions in the list of classes, from 0."""
    sizes: np.ndarray
    """(n,) int64: the size of each file, in bytes."""
    records: np.ndarray
    """(n,) int64: each photograph's position in tensorflow-datasets' own order; 0 for a tree."""
    digests: np.ndarray | None = None
    """(n, 32) uint8: the SHA-256 of each file; None in lists of an earlier version."""

    def __len__(self) -> int:
        return len(self.names)

    def name(self, index: int) -> str:
        """Return a photograph's name, as text."""
        return bytes(self.names[index]).decode("utf-8", "surrogateescape")


class Encoded(Protocol):
    """Photographs that several threads can read at once, in any order."""

    def path(self, split: str, index: int) -> Path:
        """Return the name of a photograph for messages."""

    def encoded(self, split: str, index: int) -> bytes:
        """Return the bytes of a photograph. Raises DataError, which names the file."""


class Source(Encoded, Protocol):
    """Photographs with classes."""

    @property
    def root(self) -> Path:
        """Folder that holds them."""

    @property
    def listings(self) -> dict[str, Listing]:
        """The lists of the splits ``train`` and ``test``."""

    def check(self) -> None:
        """Raise DataError if files are missing or changed, judging by their sizes."""


@dataclass(frozen=True)
class TreeSource:
    """A class-per-folder tree."""

    root: Path
    listings: dict[str, Listing]

    def path(self, split: str, index: int) -> Path:
        """See ``Source``."""
        return self.root / self.listings[split].name(index)

    def encoded(self, split: str, index: int) -> bytes:
        """See ``Source``."""
        path = self.path(split, index)
        return self._checks[split].read(path, index, self.listings[split].sizes[index])

    def check(self) -> None:
        """See ``Source``."""
        for split, listing in self.listings.items():
            for index, size in enumerate(listing.sizes):
                require_as_added(self.path(split, index), size)

    @cached_property
    def _checks(self) -> "dict[str, Check]":
        return {split: Check(own.digests, len(own)) for split, own in self.listings.items()}


@dataclass(frozen=True)
class TfdsSource:
    """A data set that tensorflow-datasets has prepared as ArrayRecord files."""

    root: Path
    """The folder of the data set's version."""
    listings: dict[str, Listing]

    def path(self, split: str, index: int) -> Path:
        """See ``Source``."""
        return self.root / self.listings[split].name(index)

    def encoded(self, split: str, index: int) -> bytes:
        """See ``Source``."""
        record = int(self.listings[split].records[index])
        try:
            content = self._records[split][record]["image"]
        except Exception as error:  # The readers pass on whatever their formats raise.
            raise not_as_added(self.path(split, index), error) from error
        self._checks[split].require(self.path(split, index), index, content)
        return content

    def check(self) -> None:
        """See ``Source``."""
        for split, listing in self.listings.items():
            try:
                count = len(self._records[split])
                self._records[split][count - 1]
            except Exception as error:
                raise not_as_added(self.root, error) from error
            if count != len(listing):
                raise not_as_added(self.root, f"{count} {split} images, not {len(listing)}")

    @cached_property
    def _checks(self) -> "dict[str, Check]":
        return {split: Check(own.digests, len(own)) for split, own in self.listings.items()}

    @cached_property
    def _records(self) -> dict[str, Any]:
        return open_records(self.root)


TFDS_SPLITS = {"train": "train", "test": "validation"}
"""This project's split -> the split of tensorflow-datasets' ``imagenet2012``, whose own test images
have no labels."""


def open_records(folder: Path) -> dict[str, Any]:
    """Return split -> its records, in tensorflow-datasets' own order; images stay encoded."""
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(folder)
    decoders = {"image": tfds.decode.SkipDecoding()}
    return {
        split: builder.as_data_source(split=theirs, decoders=decoders)
        for split, theirs in TFDS_SPLITS.items()
    }


class Check:
    """Checks that the files of a split are unchanged since they were added. The SHA-256 of each is
    computed when this process first reads it, and again if it was written to since: about 0.1 ms of
    the 3 ms of a core that a photograph takes."""

    def __init__(self, column: np.ndarray | None, count: int):
        """``column``: their digests; without them only sizes are checked."""
        self._digests = column
        self._read_at = np.full(count, -1, np.int64)
        """Modification time of each when it was read; -1 before."""

    def read(self, path: Path, index: int, size: int) -> bytes:
        """Return the content of a file of ``size`` bytes. Raises DataError."""
        try:
            with path.open("rb") as file:
                written = os.fstat(file.fileno()).st_ctime_ns
                content = file.read()
        except OSError as error:
            raise not_as_added(path, error.strerror) from error
        if len(content) != size:
            raise not_as_added(path, f"{len(content)} bytes, not {size}")
        self.require(path, index, content, written)
        return content

    def require(self, path: Path, index: int, content: bytes, written: int = 0) -> None:
        """Raise DataError if the content of a file has changed. ``written``: its modification
        time; 0 for data that is never written to."""
        if self._digests is None or self._read_at[index] == written:
            return
        if digests.of(content) != self._digests[index].tobytes():
            raise not_as_added(path, f"{len(content)} other bytes")
        self._read_at[index] = written


def require_as_added(path: Path, size: int) -> None:
    """Raise DataError if a file does not have this size; the file is not read."""
    try:
        received = path.stat().st_size
    except OSError as error:
        raise not_as_added(path, error.strerror) from error
    if received != size:
        raise not_as_added(path, f"{received} bytes, not {size}")


def not_as_added(path: Path, received: object) -> DataError:
    """Return the error for a file that is missing or was changed."""
    return DataError(f"{path} must be as it was when it was added. Received: {received}")

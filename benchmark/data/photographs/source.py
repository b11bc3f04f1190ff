"""The bytes of photographs, by index: of a class-per-folder tree, or of tensorflow-datasets."""

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
    """The photographs of a split, in an order of their names that is fixed: what is called their
    index is their place in it."""

    names: np.ndarray
    """(n,) bytes: of a tree the path below its root, of tensorflow-datasets the file's name."""
    labels: np.ndarray
    """(n,) int32: places in the list of classes, from 0."""
    sizes: np.ndarray
    """(n,) int64: of each file, in bytes."""
    records: np.ndarray
    """(n,) int64: of tensorflow-datasets each photograph's place in its own order, of a tree 0."""
    digests: np.ndarray | None = None
    """(n, 32) uint8: of each file, the SHA-256; None in lists of an earlier version."""

    def __len__(self) -> int:
        return len(self.names)

    def name(self, index: int) -> str:
        """Of a photograph, as text."""
        return bytes(self.names[index]).decode("utf-8", "surrogateescape")


class Encoded(Protocol):
    """Photographs to be read in any order, by several threads at once."""

    def path(self, split: str, index: int) -> Path:
        """What a photograph is called in messages."""

    def encoded(self, split: str, index: int) -> bytes:
        """The bytes of a photograph. Raises DataError, which names the file."""


class Source(Encoded, Protocol):
    """Photographs of classes."""

    @property
    def root(self) -> Path:
        """Where they lie."""

    @property
    def listings(self) -> dict[str, Listing]:
        """Of the splits ``train`` and ``test``."""

    def check(self) -> None:
        """Raises DataError where files are missing or changed, as far as their sizes tell."""


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
    """The folder of its version."""
    listings: dict[str, Listing]

    def path(self, split: str, index: int) -> Path:
        """See ``Source``."""
        return self.root / self.listings[split].name(index)

    def encoded(self, split: str, index: int) -> bytes:
        """See ``Source``."""
        record = int(self.listings[split].records[index])
        try:
            content = self._records[split][record]["image"]
        except Exception as error:  # The readers let through whatever their formats raise.
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
"""This project's split -> that of tensorflow-datasets' ``imagenet2012``, whose own test images have
no labels."""


def open_records(folder: Path) -> dict[str, Any]:
    """Split -> its records, in tensorflow-datasets' own order; images are left encoded."""
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(folder)
    decoders = {"image": tfds.decode.SkipDecoding()}
    return {
        split: builder.as_data_source(split=theirs, decoders=decoders)
        for split, theirs in TFDS_SPLITS.items()
    }


class Check:
    """Whether the files of a split are what they were when they were added. The SHA-256 of each is
    taken where this process reads it first, and again where it was written to since: on a core some
    0.1 ms of the 3 ms that a photograph takes."""

    def __init__(self, column: np.ndarray | None, count: int):
        """``column``: their digests; without them sizes alone are looked at."""
        self._digests = column
        self._read_at = np.full(count, -1, np.int64)
        """When each was written to last, as it was read; -1 before."""

    def read(self, path: Path, index: int, size: int) -> bytes:
        """The content of a file that had so many bytes. Raises DataError."""
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
        """Raises DataError where the content of a file is another. ``written``: when it was written
        to last; of what is never written to, 0."""
        if self._digests is None or self._read_at[index] == written:
            return
        if digests.of(content) != self._digests[index].tobytes():
            raise not_as_added(path, f"{len(content)} other bytes")
        self._read_at[index] = written


def require_as_added(path: Path, size: int) -> None:
    """Raises DataError where a file has not so many bytes; it is not read."""
    try:
        received = path.stat().st_size
    except OSError as error:
        raise not_as_added(path, error.strerror) from error
    if received != size:
        raise not_as_added(path, f"{received} bytes, not {size}")


def not_as_added(path: Path, received: object) -> DataError:
    """The error of a file that is missing or was changed."""
    return DataError(f"{path} must be as it was when it was added. Received: {received}")

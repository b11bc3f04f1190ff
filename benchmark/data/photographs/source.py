"""The bytes of images, by index: from individual files, or from tensorflow-datasets' records."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmark.data import digests
from benchmark.data.images import DataError
from benchmark.data.prepared import open_records

Columns = Mapping[str, Mapping[str, np.ndarray]]
"""Split -> name of a column -> its values, one per image, whose index is their position.

``name``: bytes, the path below a folder, or tensorflow-datasets' file name; ``size``: int64, in
bytes; ``digest``: (n, 32) uint8, the SHA-256 of each file, which lists of earlier versions do not
have; of records also ``part`` and ``place``: int64, the location of an image's record."""


class Encoded(Protocol):
    """Images that several threads can read at once, in any order."""

    @property
    def columns(self) -> Columns:
        """What is known of the images; nothing if they are made on request."""

    def path(self, split: str, index: int) -> Path:
        """Return the name of an image for messages."""

    def encoded(self, split: str, index: int) -> bytes:
        """Return the bytes of an image. Raises DataError, which names the file."""

    def check(self) -> None:
        """Raise DataError if files are missing or changed, judging by their sizes."""


class _Listed:
    """Images that are listed in columns."""

    columns: Columns

    def _name(self, split: str, index: int) -> str:
        return bytes(self.columns[split]["name"][index]).decode("utf-8", "surrogateescape")

    @cached_property
    def _checks(self) -> "dict[str, Check]":
        return {
            split: Check(own.get("digest"), len(own["name"])) for split, own in self.columns.items()
        }


@dataclass(frozen=True)
class FileImages(_Listed):
    """Image files, in one folder per split."""

    where: Mapping[str, str]
    """Split -> folder."""
    columns: Columns

    def path(self, split: str, index: int) -> Path:
        """See ``Encoded``."""
        return Path(self.where[split]) / self._name(split, index)

    def encoded(self, split: str, index: int) -> bytes:
        """See ``Encoded``."""
        size = self.columns[split]["size"][index]
        return self._checks[split].read(self.path(split, index), index, size)

    def check(self) -> None:
        """See ``Encoded``."""
        for split, columns in self.columns.items():
            for index, size in enumerate(columns["size"]):
                require_as_added(self.path(split, index), size)


@dataclass(frozen=True)
class RecordImages(_Listed):
    """Data sets that tensorflow-datasets has prepared as ArrayRecord files."""

    where: Mapping[str, list[list[str]]]
    """Split -> its parts: the folder of a data set's version, and the name of a split in it."""
    columns: Columns

    def path(self, split: str, index: int) -> Path:
        """See ``Encoded``."""
        folder, _ = self.where[split][int(self.columns[split]["part"][index])]
        return Path(folder) / self._name(split, index)

    def encoded(self, split: str, index: int) -> bytes:
        """See ``Encoded``."""
        columns = self.columns[split]
        try:
            records = self._records[split][int(columns["part"][index])]
            content = records[int(columns["place"][index])]["image"]
        except Exception as error:  # The readers pass on whatever their formats raise.
            raise not_as_added(self.path(split, index), error) from error
        self._checks[split].require(self.path(split, index), index, content)
        return content

    def check(self) -> None:
        """See ``Encoded``."""
        for split, columns in self.columns.items():
            first = Path(self.where[split][0][0])
            try:
                counts = [len(records) for records in self._records[split]]
                for records, count in zip(self._records[split], counts, strict=True):
                    records[count - 1]
            except Exception as error:
                raise not_as_added(first, error) from error
            expected = np.bincount(columns["part"], minlength=len(counts)).tolist()
            if counts != expected:
                told = f"{sum(counts):,} {split} images, not {sum(expected):,}"
                raise not_as_added(first, told if len(counts) == 1 else f"{counts} {told}")

    @cached_property
    def _records(self) -> dict[str, list[Any]]:
        return {
            split: [open_records(Path(folder), theirs) for folder, theirs in parts]
            for split, parts in self.where.items()
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

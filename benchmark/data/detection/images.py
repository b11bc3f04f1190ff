"""The bytes of images with boxes: from individual files, or from tensorflow-datasets' records."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmark.data.photographs.source import Check, Encoded, not_as_added, require_as_added

Columns = Mapping[str, Mapping[str, np.ndarray]]
"""Split -> name of a column -> its values, one per image."""


class Images(Encoded, Protocol):
    """The images of the splits ``train`` and ``test``."""

    def check(self) -> None:
        """Raise DataError if files are missing or changed, judging by their sizes."""


@dataclass(frozen=True)
class FileImages:
    """Image files, in one folder per split."""

    where: Mapping[str, str]
    """Split -> folder."""
    columns: Columns
    """``name``: bytes, the path below the folder; ``size``: int64, in bytes; ``digest``: see
    ``_checks``."""

    def path(self, split: str, index: int) -> Path:
        """See ``Encoded``."""
        name = bytes(self.columns[split]["name"][index])
        return Path(self.where[split]) / name.decode("utf-8", "surrogateescape")

    def encoded(self, split: str, index: int) -> bytes:
        """See ``Encoded``."""
        size = self.columns[split]["size"][index]
        return self._checks[split].read(self.path(split, index), index, size)

    def check(self) -> None:
        """See ``Images``."""
        for split, columns in self.columns.items():
            for index, size in enumerate(columns["size"]):
                require_as_added(self.path(split, index), size)

    @cached_property
    def _checks(self) -> dict[str, Check]:
        return _checks(self.columns)


@dataclass(frozen=True)
class RecordImages:
    """Data sets that tensorflow-datasets has prepared as ArrayRecord files."""

    where: Mapping[str, list[list[str]]]
    """Split -> its parts: the folder of a data set's version, and the name of a split in it."""
    columns: Columns
    """``name``: bytes; ``part`` and ``place``: int64, the location of an image's record;
    ``digest``: see ``_checks``."""

    def path(self, split: str, index: int) -> Path:
        """See ``Encoded``."""
        columns = self.columns[split]
        folder, _ = self.where[split][int(columns["part"][index])]
        return Path(folder) / bytes(columns["name"][index]).decode("utf-8", "surrogateescape")

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
        """See ``Images``."""
        for split, columns in self.columns.items():
            try:
                counts = [len(records) for records in self._records[split]]
                for records, count in zip(self._records[split], counts, strict=True):
                    records[count - 1]
            except Exception as error:
                raise not_as_added(Path(self.where[split][0][0]), error) from error
            expected = np.bincount(columns["part"], minlength=len(counts)).tolist()
            if counts != expected:
                raise not_as_added(
                    Path(self.where[split][0][0]), f"{counts} {split} images, not {expected}"
                )

    @cached_property
    def _checks(self) -> dict[str, Check]:
        return _checks(self.columns)

    @cached_property
    def _records(self) -> dict[str, list[Any]]:
        return {
            split: [open_records(Path(folder), theirs) for folder, theirs in parts]
            for split, parts in self.where.items()
        }


def _checks(columns: Columns) -> dict[str, Check]:
    """Return the checks from the column ``digest``, (n, 32) uint8, the SHA-256 of each file, which
    lists of earlier versions do not have."""
    return {split: Check(own.get("digest"), len(own["name"])) for split, own in columns.items()}


def open_records(folder: Path, split: str) -> Any:
    """Return a split's records, in tensorflow-datasets' own order; images stay encoded."""
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(folder)
    return builder.as_data_source(split=split, decoders={"image": tfds.decode.SkipDecoding()})

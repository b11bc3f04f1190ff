"""ImageNet through tensorflow-datasets' own ``imagenet2012``, from the two files that its users
can download from image-net.org."""

import hashlib
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.data import contents, digests
from benchmark.data.images import DataError
from benchmark.data.photographs import registry
from benchmark.data.photographs.registry import Photographs
from benchmark.data.prepared import only_data_errors, open_records, prepared

NAME = "imagenet2012"


@dataclass(frozen=True)
class Archive:
    """A file that the user downloads by hand."""

    size: int
    """In bytes."""
    md5: str


ARCHIVES = {
    "ILSVRC2012_img_train.tar": Archive(147_897_477_120, "1d675b47d978889d74fa0da5fadfb00e"),
    "ILSVRC2012_img_val.tar": Archive(6_744_924_160, "29b22e2961454d5413ddabcf34fc5622"),
}
"""As published by image-net.org."""


def get(
    folder: Path | None = None,
    *,
    verify: bool = False,
    say: Callable[[str], None] = print,
    name: str = NAME,
    archives: Mapping[str, Archive] = ARCHIVES,
    data_dir: Path | None = None,
) -> Photographs:
    """Check the archives in ``folder``, have tensorflow-datasets prepare them if it has not yet,
    and list the result. With ``verify``, their MD5 sums are checked too, which takes minutes.

    ``folder``: by default, tensorflow-datasets' folder for manual downloads. ``data_dir``: where
    tensorflow-datasets keeps its data sets, if not in its default folder (``TFDS_DATA_DIR``). The
    other arguments are for archives of other images in the same layout. Raises DataError, which
    lists everything that is missing; nothing is added then.
    """

    @cache
    def checked(place: Path) -> Path:
        own = (folder or place.parents[1] / "downloads" / "manual").resolve()
        check(own, archives, verify=verify, say=say)
        return own

    def manual(place: Path) -> Path:
        own = checked(place)
        say("For all of ImageNet, what follows takes hours.")
        return own

    registry.ADDED.require_room()
    with only_data_errors("tensorflow-datasets' imagenet2012 cannot be prepared"):
        builder = prepared(NAME, data_dir, say, manual)
        if verify:  # Also if it was prepared already.
            checked(Path(builder.data_path))
        root, classes = Path(builder.data_path), builder.info.features["label"].names
        columns = {
            split: _listed(open_records(root, theirs))
            for split, theirs in registry.TFDS_SPLITS.items()
        }
    # Not their content: some files are re-encoded by whichever encoder TensorFlow has.
    sizes = {split: own["size"] for split, own in columns.items()}
    sha256 = registry.digest(classes, columns, sizes)
    return registry.save(name, "tfds", root, classes, columns, sha256)


def check(
    folder: Path,
    archives: Mapping[str, Archive] = ARCHIVES,
    *,
    verify: bool = False,
    say: Callable[[str], None] = print,
) -> None:
    """Raise DataError, which lists each archive that is not in ``folder`` or not complete."""
    wrong = []
    for name, archive in archives.items():
        path = folder / name
        size = path.stat().st_size if path.is_file() else None
        if size != archive.size:
            received = "no such file" if size is None else f"{size:,} bytes"
            wrong.append(f"{path} must have {archive.size:,} bytes. Received: {received}")
        elif begins := _begins_otherwise(path):
            wrong.append(f"{path} must begin as a tar archive does. Received: {begins}")
        elif verify:
            say(f"MD5 of {path} ...")
            with path.open("rb") as file:
                md5 = hashlib.file_digest(file, "md5").hexdigest()
            if md5 != archive.md5:
                wrong.append(f"{path} must have the MD5 sum {archive.md5}. Received: {md5}")
    if wrong:
        raise DataError(
            "\n".join(
                [*wrong, "Both can be downloaded from https://image-net.org after signing up"]
            )
        )


def _begins_otherwise(path: Path) -> str | None:
    """Return what the file begins with if that is not a tar header, else None: it may have the
    right size, and zeros in place of what was never downloaded."""
    try:
        with path.open("rb") as file:
            tarfile.TarInfo.frombuf(file.read(tarfile.BLOCKSIZE), "utf-8", "surrogateescape")
    except (tarfile.HeaderError, OSError) as error:
        return contents.told_of(path) if isinstance(error, tarfile.HeaderError) else str(error)
    return None


def _listed(records: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """List a split in the order of the file names: tensorflow-datasets keeps the records in a
    shuffled order."""
    rows = sorted(
        (
            bytes(each["file_name"]),
            place,
            int(each["label"]),
            len(each["image"]),
            digests.of(each["image"]),
        )
        for place, each in enumerate(records)
    )
    names, places, labels, sizes, found = zip(*rows, strict=True)
    return {
        "name": np.array(names, np.bytes_),
        "label": np.array(labels, np.int32),
        "size": np.array(sizes, np.int64),
        "place": np.array(places, np.int64),
        "digest": digests.column(found),
    }

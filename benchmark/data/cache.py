"""Decoded data sets on disk: either complete and checked, or absent."""

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from itertools import count
from pathlib import Path

import numpy as np

from benchmark.data.cache_folder import VARIABLE, cache_folder
from benchmark.data.contents import of_unreadable
from benchmark.data.images import DataError, Images

__all__ = ["VARIABLE", "cache_folder", "load", "replacing", "save"]


def save(name: str, images: Images) -> Path:
    """Write the arrays to a temporary folder and rename it, so a reader sees all or nothing."""
    target = cache_folder() / name
    with replacing(target) as aside:
        for field, array in images.arrays().items():
            np.save(aside / f"{field}.npy", array, allow_pickle=False)
    return target


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a temporary folder that takes the place of ``target`` once everything is written to it.
    The old folder is deleted only after that."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield aside
        aside.chmod(0o755)
        _put(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _put(new: Path, target: Path) -> None:
    """Rename ``new`` to ``target``, and only then delete what was there."""
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as gone:
        for number in count():
            old = Path(gone) / str(number)
            try:
                with suppress(FileNotFoundError):
                    target.rename(old)
                new.rename(target)
                return
            except BaseException as error:
                if old.exists() and not target.exists():
                    old.rename(target)
                if getattr(error, "errno", None) != errno.ENOTEMPTY:
                    raise
                # Another process came first; what it put there is the old folder now.


def load(name: str) -> Images | None:
    """Return the arrays, not yet checked, or None if they are not in the cache. They are
    memory-mapped from their files, so processes share the memory. Raises DataError."""
    folder = cache_folder() / name
    if not folder.is_dir():
        return None
    arrays = {}
    for field in (each.name for each in fields(Images)):
        file = folder / f"{field}.npy"
        try:
            arrays[field] = np.load(file, mmap_mode="c", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            received = of_unreadable(error, file)
            raise DataError(f"{folder} must hold readable arrays. Received: {received}") from error
    return Images(**arrays)

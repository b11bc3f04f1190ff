"""Decoded data sets on disk: whole and checked, or not there."""

import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmark.data.images import DataError, Images
from benchmark.spec.dataset import NAME

VARIABLE = "RESNET_BENCH_DATA"
"""The environment variable that names the cache folder."""


def cache_folder() -> Path:
    """``$RESNET_BENCH_DATA``, or ``resnet-bench`` in the user's cache folder."""
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE]).expanduser()
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "resnet-bench"


def save(name: str, images: Images) -> Path:
    """Write the arrays aside and rename the folder, so that a reader sees all or nothing."""
    target = cache_folder() / name
    with replacing(target) as aside:
        for field, array in images.arrays().items():
            np.save(aside / f"{field}.npy", array, allow_pickle=False)
    return target


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A folder that takes the place of ``target`` when all has been written to it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield aside
        aside.chmod(0o755)
        shutil.rmtree(target, ignore_errors=True)
        aside.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def require_free(name: str, known: Collection[str], own: Collection[str]) -> None:
    """Raises DataError where images of your own cannot be added under a name: that of a ``known``
    data set, no name, or that of anything in the cache but of what is added anew (``own``)."""
    if name in known:
        raise DataError(f"name must not be that of a known data set. Received: {name}")
    if not re.fullmatch(NAME, name):
        rule = "name must be of letters, digits, '_', '.' and '-', and begin with one of the first"
        raise DataError(f"{rule} two. Received: {name}")
    if (cache_folder() / name).exists() and name not in own:
        rule = "name must be one that nothing else in the cache has"
        raise DataError(f"{rule}. Received: {name}, which is in {cache_folder()}")


def load(name: str) -> Images | None:
    """The arrays, not yet checked; None where the cache has none. They are mapped from their files,
    so that processes share the memory of them. Raises DataError."""
    folder = cache_folder() / name
    if not folder.is_dir():
        return None
    try:
        return Images(
            **{
                field: np.load(folder / f"{field}.npy", mmap_mode="c", allow_pickle=False)
                for field in Images.__dataclass_fields__
            }
        )
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{folder} must hold readable arrays. Received: {error}") from error

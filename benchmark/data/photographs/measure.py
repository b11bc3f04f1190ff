"""The statistics of added photographs: measured once, then kept next to their list."""

import secrets
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from benchmark.data.feed import Views
from benchmark.data.photographs.geometry import center_view
from benchmark.data.photographs.held_out import fixed_order
from benchmark.data.photographs.pipeline import cores, decoded
from benchmark.data.photographs.registry import Photographs
from benchmark.data.photographs.statistics import Statistics, measured
from benchmark.spec import PhotographsSpec

_BATCH = 32

_DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, TypeError)
"""What reading a kept file may raise; it is then measured again."""


def statistics(photographs: Photographs, spec: PhotographsSpec) -> Statistics:
    """Return the statistics of the centre crops of at most ``statistics_images`` training images:
    the first in the fixed order, whose last are held out, so only images that are trained on. The
    first call takes about 3 ms of a core per image. Raises DataError."""
    crop, side = spec.image_shape[0], spec.test_shorter_side
    count = min(spec.statistics_images or spec.train_images, spec.train_images)
    kept = photographs.folder / f"statistics-{crop}-{side}-{count}.npz"
    with suppress(*_DAMAGED), kept.open("rb") as file:
        return Statistics(**np.load(file, allow_pickle=False))
    indices = fixed_order(len(photographs.labels("train")))[:count]
    found = measured(_center_crops(photographs, indices, side, crop))
    with suppress(OSError):  # If the cache is not writable, the next run measures again.
        _write(kept, found)
    return found


def _center_crops(
    photographs: Photographs, indices: np.ndarray, side: int, crop: int
) -> Iterator[np.ndarray]:
    views: Views = partial(center_view, side=side, crop=crop)

    def batch(number: int) -> list[tuple[int, Views]]:
        here = indices[number * _BATCH : (number + 1) * _BATCH]
        return [(int(index), views) for index in here]

    count = -(-len(indices) // _BATCH)
    pixels = decoded(
        photographs.source, "train", batch, count, windows=1, batch_size=_BATCH, workers=cores()
    )
    return (batch.numpy()[:, 0] for batch in pixels)


def _write(path: Path, found: Statistics) -> None:
    aside = path.with_name(f".{secrets.token_hex(4)}.npz")
    try:
        with aside.open("wb") as file:
            np.savez(file, allow_pickle=False, **asdict(found))
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)

"""Check for the images that a suite's runs need, before anything is written or trained."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.problems import InputError

if TYPE_CHECKING:
    from benchmark.spec import DatasetSpec


def use_cache(cache: str | Path | None) -> None:
    """Set the cache folder for this process and those that it starts."""
    if cache:
        os.environ["RESNET_BENCH_DATA"] = str(Path(cache).expanduser().resolve())


def require_images(datasets: Iterable["DatasetSpec"]) -> None:
    """Raise InputError if images are missing or not the real ones."""
    from benchmark.data import sources
    from benchmark.data.images import DataError

    # Check each only once: specs may differ in how the same images are prepared.
    named = {(spec.name, getattr(spec, "content", None)): spec for spec in datasets}
    try:
        for spec in named.values():
            if spec.name not in sources.IN_PACKAGE:
                sources.load(spec)
    except DataError as error:
        raise InputError(str(error)) from error

"""Where data sets and weights are kept. Imports nothing heavy, so that ``--help`` stays fast."""

import os
from pathlib import Path

VARIABLE = "RESNET_BENCH_DATA"
"""The environment variable that names the cache folder."""


def cache_folder() -> Path:
    """Return ``$RESNET_BENCH_DATA``, or ``resnet-bench`` in the user's cache folder."""
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE]).expanduser()
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "resnet-bench"

"""Measurements: journals on disk (the source of truth), pandas frames, and MLflow as a mirror.

Names are loaded on first use, since most commands do not need pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.records.frames import (
        load_curves,
        load_layers,
        load_published,
        load_reproductions,
        load_runs,
        load_shown,
    )
    from benchmark.records.store import Store

__all__ = [
    "Store",
    "load_curves",
    "load_layers",
    "load_published",
    "load_reproductions",
    "load_runs",
    "load_shown",
]

_MODULES = {name: "store" if name == "Store" else "frames" for name in __all__}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)

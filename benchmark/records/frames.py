"""Tidy pandas frames of a results folder: a row a run, and a row an epoch."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.records.store import Store


def load_runs(results: str | Path = "results", suite: str | None = None) -> pd.DataFrame:
    """A row for each run that the suites of ``results`` ask for, planned ones included.

    Columns: suite, variant, seed, run_id, status, what ``records.result`` measures, and each
    field of the spec under its dotted name (``model.depth``).
    """
    rows = []
    for name, cell in _cells(Store(Path(results)), suite):
        folder = Store(Path(results)).run(cell["run_id"])
        row = {"suite": name, **cell, **(folder.result() or {}), "status": folder.status()}
        rows.append(row | flattened(folder.spec() or {}))
    return pd.DataFrame(rows)


def load_curves(results: str | Path = "results", suite: str | None = None) -> pd.DataFrame:
    """A row for each epoch of each run: suite, variant, seed, run_id, epoch, iteration and the
    quantities of that epoch. ``gradient_norms`` are columns ``gradient_norm.LAYER``."""
    rows = []
    for name, cell in _cells(Store(Path(results)), suite):
        for event in Store(Path(results)).run(cell["run_id"]).events():
            if event["event"] == "epoch":
                norms = event.pop("gradient_norms", {})
                event |= {f"gradient_norm.{layer}": norm for layer, norm in norms.items()}
                rows.append({"suite": name, **cell, **event})
    return pd.DataFrame(rows).drop(columns="event", errors="ignore")


def flattened(data: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, with dotted names; an empty or absent part stays one value."""
    flat: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict) and value:
            flat |= flattened(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _cells(store: Store, suite: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in [suite] if suite else store.suites():
        for cell in store.suite(name).plan()["cells"]:
            yield name, cell

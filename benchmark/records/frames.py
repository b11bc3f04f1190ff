"""Tidy pandas frames of a results folder: one row per run, epoch or layer."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.diagnostics import DIAGNOSTICS, GRADIENTS, RESPONSES
from benchmark.events import Kind
from benchmark.metrics import METRICS
from benchmark.paper import PUBLISHED, REPRODUCTIONS, SHOWN
from benchmark.records.ensembles import error_columns
from benchmark.records.nesting import flattened
from benchmark.records.result import summarize
from benchmark.records.store import RunFolder, Store
from benchmark.status import Status

CELL = ("suite", "variant", "seed", "run_id")
MEASURED = tuple(summarize([], Status.PLANNED))
EPOCH = ("epoch", "iteration", *(metric.key for metric in METRICS if metric.usual))

LAYER = ("iteration", "number", "layer")

_TEXTS = {"status", "failure", "reason", "device"}


def load_runs(results: str | Path = "results", suite: str | None = None) -> pd.DataFrame:
    """Return a row for each run of the suites in ``results``, including planned ones.

    Columns: suite, variant, seed, run_id, status, the values of ``records.result`` (present even
    if no run has begun), the test errors of finished runs (``ten-crop-256.top1_error_percent``),
    and each field of the runs' specs under its dotted name (``model.depth``). Raises RecordsError
    for a folder that holds a different run than its name says, and FileNotFoundError, like the
    other loaders, if ``results`` is not a folder.
    """
    read = list(_read(results, suite))
    for _, folder, _ in read:
        folder.require_own_id()
    return _frame([_run_row(*each) for each in read], CELL, MEASURED)


def load_curves(results: str | Path = "results", suite: str | None = None) -> pd.DataFrame:
    """Return a row for each epoch of each run: suite, variant, seed, run_id, epoch, iteration and
    that epoch's metrics. The usual metrics have a column even if there are no rows.
    ``gradient_norms`` become columns ``gradient_norm.LAYER``."""
    return _curves_and_layers(_cells(results, suite))[0]


def load_layers(results: str | Path = "results", suite: str | None = None) -> pd.DataFrame:
    """Return a row for each layer at each iteration at which a run's layers were measured: suite,
    variant, seed, run_id, iteration, number (the convolution's position, from 1; none for
    projections and the classifier), layer, ``response_std`` (the standard deviation of a
    convolution's outputs, after batch normalization if there is any) and ``gradient_norm`` (L2 norm
    of the kernel's gradient; none at the end of the run)."""
    return _curves_and_layers(_cells(results, suite))[1]


@dataclass(frozen=True)
class Frames:
    """The frames of ``load_runs``, ``load_curves`` and ``load_layers``."""

    runs: pd.DataFrame
    curves: pd.DataFrame
    layers: pd.DataFrame


def load_all(results: str | Path = "results", suite: str | None = None) -> Frames:
    """Load all three frames, reading each record once."""
    return frames_of(list(_read(results, suite)))


def frames_of(read: "Sequence[Read]") -> Frames:
    """Return all three frames of cells whose records were already looked up."""
    runs = _frame([_run_row(*each) for each in read], CELL, MEASURED)
    return Frames(runs, *_curves_and_layers(read))


Read = tuple[dict[str, Any], RunFolder, dict[str, Any] | None]
"""A plan's cell, its run's folder, and its result if it exists and was read."""


def _curves_and_layers(read: Iterable[Read]) -> tuple[pd.DataFrame, pd.DataFrame]:
    curves, layers = [], []
    for row, folder, result in read:
        cell = {name: row[name] for name in CELL}
        for event in folder.events(result):
            if event["event"] == Kind.EPOCH:
                layers += [cell | found for found in _layers(event.pop("layers", {}))]
                norms = event.pop("gradient_norms", {})
                each = {f"{GRADIENTS.column}.{layer}": norm for layer, norm in norms.items()}
                curves.append(cell | dict.fromkeys(EPOCH) | event | each)
    return (
        _frame(curves, CELL, EPOCH).drop(columns="event", errors="ignore"),
        _frame(layers, (*CELL, *LAYER), ("number", *(each.column for each in DIAGNOSTICS))),
    )


def _run_row(
    cell: dict[str, Any], folder: RunFolder, result: dict[str, Any] | None
) -> dict[str, Any]:
    row = {name: cell[name] for name in CELL} | dict.fromkeys(MEASURED) | (result or {})
    row["status"] = result["status"] if result else folder.status().value
    for protocol, errors in folder.tested().items():
        row |= error_columns(protocol, errors)
    return row | flattened(cell["spec"])


def _layers(diagnoses: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for iteration, found in diagnoses.items():
        values = {each.column: found.get(each.key, {}) for each in DIAGNOSTICS}
        places = {layer: number for number, layer in enumerate(found[RESPONSES.key], start=1)}
        for layer in dict.fromkeys(layer for each in values.values() for layer in each):
            row = dict(zip(LAYER, (int(iteration), places.get(layer), layer), strict=True))
            yield row | {column: each.get(layer) for column, each in values.items()}


def load_published() -> pd.DataFrame:
    """Return a row for each number in the paper's tables, with how it was obtained."""
    return pd.DataFrame([vars(number) for number in PUBLISHED.values()])


def load_shown() -> pd.DataFrame:
    """Return a row for each thing that a figure of the paper shows, in words, with the quantity
    that decides it."""
    return pd.DataFrame([vars(each) for each in SHOWN])


def load_reproductions() -> pd.DataFrame:
    """Return a row for each number that later reproductions reported: context, never a target."""
    return pd.DataFrame([vars(number) for number in REPRODUCTIONS])


def _cells(results: str | Path, suite: str | None) -> Iterator[Read]:
    store = Store(Path(results))
    if not store.root.is_dir():
        received = "a file" if store.root.exists() else "nothing there"
        raise FileNotFoundError(f"results must be a folder. Received: {store.root}, {received}")
    for name in [suite] if suite else store.suites():
        for cell in store.suite(name).plan()["cells"]:
            yield {"suite": name, **cell}, store.run(cell["run_id"]), None


def _read(results: str | Path, suite: str | None) -> Iterator[Read]:
    for cell, folder, _ in _cells(results, suite):
        yield cell, folder, folder.result()


def _frame(
    rows: list[dict[str, Any]], keys: tuple[str, ...], numbers: tuple[str, ...]
) -> pd.DataFrame:
    """Return the rows with at least these columns; those in ``numbers`` are numeric even if
    empty."""
    frame = pd.DataFrame(rows, columns=None if rows else list(dict.fromkeys([*keys, *numbers])))
    for name in numbers:
        if name not in _TEXTS and not name.endswith("sha256"):
            frame[name] = pd.to_numeric(frame[name])
    return frame

"""Tidy pandas frames of a results folder: one row per run, epoch or layer."""

from collections.abc import Iterable, Iterator
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
from benchmark.records.problems import RecordsError, one_line
from benchmark.records.result import summarize
from benchmark.records.store import RunFolder, Store
from benchmark.status import Status

CELL = ("suite", "variant", "seed", "run_id")
MEASURED = tuple(summarize([], Status.PLANNED))
EPOCH = ("epoch", "iteration", *(metric.key for metric in METRICS if metric.usual))

LAYER = ("iteration", "number", "layer")

_Row = dict[str, Any]

_TEXTS = {"status", "failure", "reason", "device"}


def load_runs(results: str | Path = "results", suite: str | None = None) -> pd.DataFrame:
    """Return a row for each run of the suites in ``results``, including planned ones.

    Columns: suite, variant, seed, run_id, status, the values of ``records.result`` (present even
    if no run has begun), the test errors of finished runs (``ten-crop-256.top1_error_percent``),
    and each field of the runs' specs under its dotted name (``model.depth``). Raises RecordsError
    for a folder that holds a different run than its name says, and FileNotFoundError, like the
    other loaders, if ``results`` is not a folder.
    """
    store, cells = _cells(results, suite)
    rows = []
    for cell in cells:
        folder = store.run(cell["run_id"])
        folder.require_own_id()
        rows.append(_run_row(cell, folder, folder.result()))
    return _frame(rows, CELL, MEASURED)


def load_curves(results: str | Path = "results", suite: str | None = None) -> pd.DataFrame:
    """Return a row for each epoch of each run: suite, variant, seed, run_id, epoch, iteration and
    that epoch's metrics. The usual metrics have a column even if there are no rows.
    ``gradient_norms`` become columns ``gradient_norm.LAYER``."""
    return _load_curves_and_layers(results, suite)[0]


def load_layers(results: str | Path = "results", suite: str | None = None) -> pd.DataFrame:
    """Return a row for each layer at each iteration at which a run's layers were measured: suite,
    variant, seed, run_id, iteration, number (the convolution's position, from 1; none for
    projections and the classifier), layer, ``response_std`` (the standard deviation of a
    convolution's outputs, after batch normalization if there is any) and ``gradient_norm`` (L2 norm
    of the kernel's gradient; none at the end of the run)."""
    return _load_curves_and_layers(results, suite)[1]


def _load_curves_and_layers(
    results: str | Path, suite: str | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    store, cells = _cells(results, suite)
    each = [_curves_and_layers(cell, store.run(cell["run_id"]), None) for cell in cells]
    return _framed([row for own, _ in each for row in own], [row for _, own in each for row in own])


@dataclass(frozen=True)
class Frames:
    """The frames of ``load_runs``, ``load_curves`` and ``load_layers``."""

    runs: pd.DataFrame
    curves: pd.DataFrame
    layers: pd.DataFrame


def load_all(results: str | Path = "results", suite: str | None = None) -> Frames:
    """Load all three frames, reading each record once. A run whose records cannot be read has the
    status ``unreadable``, and a reason."""
    store, cells = _cells(results, suite)
    return frames_of(cells, store)


def frames_of(cells: Iterable[_Row], store: Store) -> Frames:
    """Return all three frames of a plan's cells."""
    runs: list[_Row] = []
    curves: list[_Row] = []
    layers: list[_Row] = []
    for cell in cells:
        try:
            folder = store.run(cell["run_id"])
            result = folder.result()
            row, each = _run_row(cell, folder, result), _curves_and_layers(cell, folder, result)
        except (OSError, RecordsError) as error:
            row, each = _unreadable(cell, error), ([], [])
        runs.append(row)
        curves += each[0]
        layers += each[1]
    return Frames(_frame(runs, CELL, MEASURED), *_framed(curves, layers))


def _framed(curves: list[_Row], layers: list[_Row]) -> tuple[pd.DataFrame, pd.DataFrame]:
    return (
        _frame(curves, CELL, EPOCH).drop(columns="event", errors="ignore"),
        _frame(layers, (*CELL, *LAYER), ("number", *(each.column for each in DIAGNOSTICS))),
    )


def _curves_and_layers(
    row: _Row, folder: RunFolder, result: _Row | None
) -> tuple[list[_Row], list[_Row]]:
    cell = {name: row[name] for name in CELL}
    curves, layers = [], []
    for event in folder.events(result):
        if event["event"] == Kind.EPOCH:
            norms = event.pop("gradient_norms", {})
            layers += [cell | found for found in _layers(event.pop("layers", {}), list(norms))]
            each = {f"{GRADIENTS.column}.{layer}": norm for layer, norm in norms.items()}
            curves.append(cell | dict.fromkeys(EPOCH) | event | each)
    return curves, layers


def _run_row(cell: _Row, folder: RunFolder, result: _Row | None) -> _Row:
    values = result or {"status": folder.status().value}
    for protocol, errors in folder.tested().items():
        values = values | error_columns(protocol, errors)
    return _row(cell, values)


def _unreadable(cell: _Row, error: Exception) -> _Row:
    return _row(cell, {"status": Status.UNREADABLE.value, "reason": one_line(error)})


def _row(cell: _Row, values: _Row) -> _Row:
    own = {name: cell[name] for name in CELL} | dict.fromkeys(MEASURED)
    return own | values | flattened(cell["spec"])


def _layers(diagnoses: dict[str, Any], order: list[str]) -> Iterator[dict[str, Any]]:
    """``order``: all layers in the net's order, which diagnoses may have lost: early versions
    sorted them by name when a run was resumed."""
    at = {layer: place for place, layer in enumerate(order)}
    for iteration, found in diagnoses.items():
        values = {each.column: found.get(each.key, {}) for each in DIAGNOSTICS}
        convolutions = sorted(found[RESPONSES.key], key=lambda layer: at.get(layer, len(at)))
        places = {layer: number for number, layer in enumerate(convolutions, start=1)}
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


def _cells(results: str | Path, suite: str | None) -> tuple[Store, list[_Row]]:
    """Return the store of a results folder, and the cells of a suite's plan, or of all plans."""
    store = Store(Path(results))
    if not store.root.is_dir():
        received = "a file" if store.root.exists() else "nothing there"
        raise FileNotFoundError(f"results must be a folder. Received: {store.root}, {received}")
    names = [suite] if suite else store.suites()
    plans = ((name, store.suite(name).plan()) for name in names)
    return store, [{"suite": name, **cell} for name, plan in plans for cell in plan["cells"]]


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

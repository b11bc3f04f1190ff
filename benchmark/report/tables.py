"""A report's tables, as frames."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.typing import DataFrameGroupBy

from benchmark.metrics import AP, BY_CLAIM, ERROR
from benchmark.records.files import write_bytes, write_text
from benchmark.records.provenance import machine_line
from benchmark.records.reference import Compared
from benchmark.records.store import Store
from benchmark.report.values import by_metric
from benchmark.status import Status


def variants_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Return a row per variant. If a run diverged, its variant has no mean, sd and max of errors,
    and no mean, sd and min of average precisions: the run counts as the worst and is never left
    out."""
    finished = runs["status"] == Status.FINISHED
    numbers = runs.reindex(columns=_MEASURED).apply(pd.to_numeric, errors="coerce")
    by_variant = numbers.where(finished).groupby(runs["variant"], sort=False)
    counted = {"all": True, "finished": finished, "diverged": runs["status"] == Status.DIVERGED}
    counts = pd.DataFrame(counted).groupby(runs["variant"], sort=False).sum()
    mean, whole = by_variant.mean(), counts["diverged"] == 0
    columns: dict[str, Any] = {
        "runs": [f"{n} of {of}" for n, of in zip(counts["finished"], counts["all"], strict=True)],
        "diverged": counts["diverged"],
    }
    for metric, _ in by_metric(runs):
        columns |= (_precisions if metric.of_detectors else _errors)(by_variant, whole)
    columns |= {
        "mean response": mean["mean_response_std"],
        "parameters": numbers["parameters"].groupby(runs["variant"], sort=False).max(),
        "images/s": mean["images_per_s"],
        "wall time (s)": mean["wall_time_s"],
    }
    return _without_empty(pd.DataFrame(columns)).reset_index()


def _errors(by_variant: "DataFrameGroupBy[Any, Any]", whole: pd.Series) -> dict[str, pd.Series]:
    """Return column -> errors by variant; ``whole``: whether no run of a variant diverged."""
    errors = by_variant[ERROR.result]
    return {
        "mean": errors.mean().where(whole),
        "sd": errors.std(ddof=1).where(whole),
        "min": errors.min(),
        "max": errors.max().where(whole),
        "best epoch": by_variant["best_error_percent"].min(),
        "train error": by_variant["final_train_error_percent"].mean(),
    }


def _precisions(by_variant: "DataFrameGroupBy[Any, Any]", whole: pd.Series) -> dict[str, pd.Series]:
    """Return column -> average precisions by variant, for detectors."""
    precisions = by_variant[AP.result]
    return {
        "AP": precisions.mean().where(whole),
        "AP sd": precisions.std(ddof=1).where(whole),
        "AP min": precisions.min().where(whole),
        "AP max": precisions.max(),
        **{each.label: by_variant[each.result].mean().where(whole) for each in _FURTHER},
    }


_FURTHER = [BY_CLAIM["ap50_percent"], BY_CLAIM["ap75_percent"], BY_CLAIM["map_percent"]]

_SOME_HAVE = ("mean response", "mAP")
"""Columns that are left out if empty, as for suites without diagnostics and data sets other than
VOC's."""


def _without_empty(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns=[n for n in _SOME_HAVE if n in table and table[n].isna().all()])


_MEASURED = [
    *(each.result for each in (ERROR, AP, *_FURTHER)),
    "best_error_percent",
    "final_train_error_percent",
    "mean_response_std",
    "parameters",
    "images_per_s",
    "wall_time_s",
]


def runs_table(runs: pd.DataFrame, compared: Mapping[str, Compared] | None = None) -> pd.DataFrame:
    """Return a row per run, to trace each number to its records; ``compared``: run id -> comparison
    with the reference, a column if there are any."""
    as_is = ("variant", "seed", "run_id", "status", "reason", "epochs")
    columns = {name: name for name in as_is} | {"run_id": "run"}
    for metric, _ in by_metric(runs):
        columns |= _FINAL_PRECISIONS if metric.of_detectors else _FINAL_ERRORS
    columns["final_weights_sha256"] = "final weights (SHA-256)"
    table = _without_empty(runs.reindex(columns=list(columns)).rename(columns=columns))
    kinds = [runs.get("failure", pd.Series(index=runs.index, dtype=object)), table["reason"]]
    mixed = runs.get("environments_mixed", pd.Series(index=runs.index, dtype=object)).eq(True)
    table["reason"] = [
        ": ".join(text for text in texts if isinstance(text, str) and text)
        or ("resumed with other versions or on another machine" if elsewhere else "")
        for *texts, elsewhere in zip(*kinds, mixed, strict=True)
    ]
    digests = table["final weights (SHA-256)"]
    table["final weights (SHA-256)"] = [d[:12] if isinstance(d, str) else None for d in digests]
    if compared:
        found = [compared.get(run) for run in table["run"]]
        table["beside the reference"] = [str(each) if each else None for each in found]
    return table


_FINAL_ERRORS = {
    "final_error_percent": "final error",
    "best_error_percent": "best error",
    "best_epoch": "at epoch",
}
_FINAL_PRECISIONS = {each.result: each.label for each in (AP, *_FURTHER)}


def environments(runs: pd.DataFrame, store: Store) -> dict[str, str]:
    """Return the machines and versions that the runs were trained with, a line each -> which runs:
    empty if they are the same for all; the last attempt's for a run that was resumed."""
    found: dict[str, list[tuple[str, int]]] = {}
    told = runs.reindex(columns=["run_id", "device", "variant", "seed"])
    for run_id, device, variant, seed in told.itertuples(index=False):
        if made := store.run(run_id).provenance():
            line = f"{device if isinstance(device, str) else 'no device'}; {machine_line(made)}"
            found.setdefault(line, []).append((variant, seed))
    if len(found) == 1:
        return dict.fromkeys(found, "")
    return {line: _seeds_by_variant(cells) for line, cells in found.items()}


def _seeds_by_variant(cells: list[tuple[str, int]]) -> str:
    seeds: dict[str, list[str]] = {}
    for variant, seed in cells:
        seeds.setdefault(variant, []).append(str(seed))
    return "; ".join(
        f"{variant} ({'seeds' if len(own) > 1 else 'seed'} {', '.join(own)})"
        for variant, own in seeds.items()
    )


def _plain(column: pd.Series) -> pd.Series:
    if column.dtype != object or not any(isinstance(value, list) for value in column):
        return column
    return column.map(lambda value: json.dumps(value) if isinstance(value, list) else value)


def write_frames(folder: Path, frames: Mapping[str, pd.DataFrame]) -> list[Path]:
    """Write each non-empty frame as NAME.csv and NAME.parquet, delete the files that an earlier
    report left for the others, and return the files written."""
    written = []
    for name, frame in frames.items():
        if frame.empty:
            for kind in ("csv", "parquet"):
                (folder / f"{name}.{kind}").unlink(missing_ok=True)
            continue
        # A column may hold numbers in one run and null in another, or tuples: Parquet needs one
        # type per column, so other values are written as JSON text.
        plain = frame.apply(_plain)
        write_text(folder / f"{name}.csv", plain.to_csv(index=False))
        write_bytes(folder / f"{name}.parquet", plain.to_parquet(index=False))
        written += [folder / f"{name}.csv", folder / f"{name}.parquet"]
    return written

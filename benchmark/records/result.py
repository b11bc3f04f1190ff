"""The result of a run, computed from its journal."""

import hashlib
import json
import math
from typing import Any

from benchmark.diagnostics import RESPONSES
from benchmark.events import Event, Kind, first_of_kind, number_of, of_kind
from benchmark.metrics import ERROR, METRICS, Metric
from benchmark.records.files import finite
from benchmark.records.journal import curves_sha256


def summarize(
    events: list[Event], status: str, reason: str = "", failure: str | None = None
) -> dict[str, Any]:
    """Return how an attempt ended, in one row; ``failure`` is its kind if the status is failed.

    Errors are percentages, top-1 unless they say top-5. ``final_error_percent`` is the last
    epoch's and the primary figure;
    ``best_error_percent`` is the lowest of all epochs, and so selected on the test images;
    ``final_validation_error_percent`` is that of held-out images, if there are any.
    ``final_ap_percent`` and the like are the last epoch's, for detectors only, which have no
    errors; VOC's ``final_map_percent`` is for its own data sets only.
    ``mean_response_std`` is the mean over the layers at the end.
    ``skipped_steps`` is None without a loss scale, ``peak_gpu_memory_mib`` without a GPU.
    ``environments_mixed``: the run was resumed with other versions of its packages or on another
    machine, so no replay can reproduce its bits.
    """
    epochs = of_kind(events, Kind.EPOCH)
    end = first_of_kind(events, Kind.END)
    start = first_of_kind(events, Kind.START)
    began = start | first_of_kind(events, Kind.BUILT)
    before = next((e["wall_time_s"] for e in events if e["event"] == Kind.RESUME), 0.0)
    errors = [(error, row["epoch"]) for row in epochs if (error := scored(row)) is not None]
    best = min(errors, default=(None, None))
    last = epochs[-1] if epochs else {}
    trained = [row for row in epochs if "train_time_s" in row]
    train_time = sum(row["train_time_s"] for row in trained)
    images = sum(row["images_per_s"] * row["train_time_s"] for row in trained)
    skipped = [row["skipped_steps"] for row in epochs if row.get("skipped_steps") is not None]
    return {
        "status": status,
        "failure": failure,
        "reason": reason,
        "attempt": began.get("attempt"),
        "parameters": began.get("parameters"),
        "multiply_adds": began.get("multiply_adds"),
        "device": began.get("device"),
        "epochs": len(epochs),
        "iterations": last.get("iteration", 0),
        **{each.result: scored(last, each) for each in METRICS if each.result},
        "best_error_percent": best[0],
        "best_epoch": best[1],
        "mean_response_std": _mean_response_std(epochs),
        "images_per_s": images / train_time if train_time else None,
        "train_time_s": train_time,
        "skipped_steps": sum(skipped) if skipped else None,
        "wall_time_s": before + events[-1]["time"] - start["time"] if start else None,
        "peak_memory_mib": end.get("peak_memory_mib"),
        "peak_gpu_memory_mib": end.get("peak_gpu_memory_mib"),
        "dataset_sha256": began.get("dataset_sha256"),
        "initial_weights_sha256": began.get("initial_weights_sha256"),
        "final_weights_sha256": end.get("final_weights_sha256"),
        "curves_sha256": curves_sha256(events),
        "environments_mixed": _environments_mixed(events),
    }


_BY_RECIPE = ("git_commit: ", "versions.resnet-bench: ")
"""How differences begin that change no bit: code that trains otherwise has another recipe, and its
runs have other ids."""


def _environments_mixed(events: list[Event]) -> bool:
    resumed = (event for event in events if event["event"] == Kind.RESUME)
    differs = (text for event in resumed for text in event.get("differs") or ())
    return any(not text.startswith(_BY_RECIPE) for text in differs)


def _mean_response_std(epochs: list[Event]) -> float | None:
    found = [layers for row in epochs for layers in row.get("layers", {}).values()]
    stds = list(found[-1][RESPONSES.key].values()) if found else []
    return sum(stds) / len(stds) if stds and None not in stds else None


def sealed(result: dict[str, Any]) -> dict[str, Any]:
    """Return the result with a digest of itself."""
    return result | {"sha256": _digest(result)}


def is_whole(result: dict[str, Any]) -> bool:
    """Return whether a result is unchanged since it was sealed; true for one without a digest."""
    return result.get("sha256") in (None, _digest(result))


def _digest(result: dict[str, Any]) -> str:
    own = {name: value for name, value in finite(result).items() if name != "sha256"}
    return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()


def scored(row: Event, metric: Metric = ERROR) -> float | None:
    """Return the test error, or another metric, from an epoch's row; None if the epoch was not
    scored by it."""
    value = number_of(row, metric.key)
    return value if value is not None and math.isfinite(value) else None

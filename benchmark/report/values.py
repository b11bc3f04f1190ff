"""Measured values of a suite's runs: errors or average precisions, final or at an iteration."""

import math
from collections.abc import Iterable, Iterator

import pandas as pd

from benchmark.metrics import AP, BY_CLAIM, ERROR, Metric
from benchmark.records.frames import Frames
from benchmark.suite.claims import Claim, ClaimAtIterations


def detects(runs: pd.DataFrame) -> pd.Series:
    """Return whether each run is a detector's."""
    return runs.reindex(columns=["dataset.kind"])["dataset.kind"] == "boxes"


def by_metric(runs: pd.DataFrame) -> Iterator[tuple[Metric, pd.DataFrame]]:
    """Yield the primary metrics of the runs, each with the runs that may have it; only the error if
    there are no runs."""
    detectors = detects(runs)
    if runs.empty or not detectors.all():
        yield ERROR, runs[~detectors]
    if detectors.any():
        yield AP, runs[detectors]


def with_values_at(frames: Frames, claims: Iterable[Claim]) -> pd.DataFrame:
    """Return the runs with a column for each iteration that a claim names: the metric after the
    last epoch, or at the last measurement of the layers, up to then; missing if there was none."""
    added = {}
    for claim in (each for each in claims if isinstance(each, ClaimAtIterations) and each.at):
        rows = frames.curves
        if claim.measured.by_iteration == "layers":
            rows = _decades(frames.layers)
        for column, iteration in zip(claim.columns, claim.at or (), strict=True):
            known = rows[rows["iteration"] <= iteration].dropna(subset=[claim.metric])
            last = known.sort_values("iteration").groupby("run_id")[claim.metric].last()
            added[column] = frames.runs["run_id"].map(last)
    return frames.runs.assign(**added)


def _decades(layers: pd.DataFrame) -> pd.DataFrame:
    """Return the ``gradient_norm_decades`` of each run's convolutions, without projections, at each
    iteration; as many decades as float32 has if a norm is 0."""
    convolutions = layers.dropna(subset=["number", "gradient_norm"])
    norms = convolutions.groupby(["run_id", "iteration"])["gradient_norm"].agg(["min", "max"])
    most = BY_CLAIM["gradient_norm_decades"].ends[1]
    ratio = (norms["max"] / norms["min"].where(norms["min"] > 0)).map(math.log10)
    return ratio.fillna(most).clip(upper=most).rename("gradient_norm_decades").reset_index()

"""What of a suite's runs was measured: errors or average precisions, in the end or on the way."""

from collections.abc import Iterable, Iterator

import pandas as pd

from benchmark.metrics import AP, ERROR, Metric
from benchmark.suite.claims import Claim, DirectionClaim


def detects(runs: pd.DataFrame) -> pd.Series:
    """Whether each run is a detector's."""
    return runs.reindex(columns=["dataset.kind"])["dataset.kind"] == "boxes"


def by_metric(runs: pd.DataFrame) -> Iterator[tuple[Metric, pd.DataFrame]]:
    """The primary measures of the runs, each with the runs that may have it; errors alone where
    there are no runs."""
    detectors = detects(runs)
    if runs.empty or not detectors.all():
        yield ERROR, runs[~detectors]
    if detectors.any():
        yield AP, runs[detectors]


def with_values_at(
    runs: pd.DataFrame, curves: pd.DataFrame, claims: Iterable[Claim]
) -> pd.DataFrame:
    """``runs`` with a column for each iteration that a claim is about: the metric after the last
    epoch that had ended by then; none where no epoch had."""
    added = {}
    for claim in (each for each in claims if isinstance(each, DirectionClaim) and each.at):
        for column, iteration in zip(claim.columns, claim.at or (), strict=True):
            known = curves[curves["iteration"] <= iteration].dropna(subset=[claim.metric])
            last = known.sort_values("iteration").groupby("run_id")[claim.metric].last()
            added[column] = runs["run_id"].map(last)
    return runs.assign(**added)

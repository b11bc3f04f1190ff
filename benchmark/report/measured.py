"""Which of a suite's runs have errors, and which average precisions."""

from collections.abc import Iterator

import pandas as pd

from benchmark.suite.measure import AP, ERROR, Measure


def detects(runs: pd.DataFrame) -> pd.Series:
    """Whether each run is a detector's."""
    return runs.reindex(columns=["dataset.kind"])["dataset.kind"] == "boxes"


def by_measure(runs: pd.DataFrame) -> Iterator[tuple[Measure, pd.DataFrame]]:
    """The primary measures of the runs, each with the runs that may have it; errors alone where
    there are no runs."""
    detectors = detects(runs)
    if runs.empty or not detectors.all():
        yield ERROR, runs[~detectors]
    if detectors.any():
        yield AP, runs[detectors]

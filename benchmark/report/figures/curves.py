"""Training and test error by iteration (figures 1, 4 and 6)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from benchmark.report.figures.lines import draw_runs
from benchmark.report.figures.style import Look, blank, label_of, legend_beside, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCORED = {"test_error_percent": "test", "validation_error_percent": "validation"}
"""Column -> the split that a run may be scored on; each run is scored on one of them."""

_MIN_TOP, _TOP = 20.0, 2.5
"""Top of the axis, low if final errors are, as in the paper: its minimum in percent, and its
multiple of the highest final error."""

_BELOW, _MIN_RANGE = 0.04, 1.0
"""Space below the lowest error, as a share of the range shown, and the minimum range."""


def draw_curves(
    curves: pd.DataFrame, look: Mapping[str, Look], levels: Mapping[str, float]
) -> "Figure":
    """Draw thin dashed lines for the training error, bold ones for the scored split, and a thin
    line at the published error of a variant in ``levels``. Runs of a variant look alike."""
    drawn = panels(curves["variant"])
    columns = min(2, len(drawn))
    figure, axes = blank(columns, -(-len(drawn) // columns), 7.5 if columns == 1 else 6.0, 4.6)
    low, high = range_of(curves, levels)
    filled = curves.dropna(axis="columns", how="all")
    scored_on = [split for name, split in SCORED.items() if name in filled]
    key = f"bold: {' or '.join(scored_on)}\nthin and dashed: training" if scored_on else None
    by_variant = dict(list(curves.groupby("variant", sort=False)))
    for panel, variants in zip(axes, drawn, strict=False):
        for variant in variants:
            runs, style = by_variant[variant], look[variant]
            scored, label = runs.assign(scored=scored_errors(runs)), label_of(variant, levels)
            draw_runs(panel, runs, "iteration", "train_error_percent", **style.thin)
            draw_runs(panel, scored, "iteration", "scored", label, **style.bold)
            if variant in levels:
                panel.axhline(levels[variant], color=style.color, linewidth=0.7)
        panel.set(xlabel="iteration", ylabel="error (%)")
        panel.set_ylim(low, high)
        legend_beside(panel, key)
    for panel in axes[len(drawn) :]:
        panel.set_visible(False)
    return figure


def scored_errors(curves: pd.DataFrame) -> pd.Series:
    """Return the scored error of each row; missing if the epoch was not scored."""
    return curves.reindex(columns=list(SCORED)).bfill(axis="columns").iloc[:, 0]


def range_of(curves: pd.DataFrame, levels: Mapping[str, float]) -> tuple[float, float]:
    """Return the range of an error axis, in percent: from a little below everything drawn to above
    the final errors."""
    errors = curves[[name for name in ("train_error_percent", *SCORED) if name in curves]]
    last = errors.groupby(curves["run_id"], sort=False).last().max().max()
    lowest, highest = errors.min().min(), errors.max().max()
    if pd.isna(highest):
        return 0.0, 100.0
    drawn = [levels[variant] for variant in set(curves["variant"]) & levels.keys()]
    lowest = min(lowest, *drawn) if drawn else lowest
    top = max(min(1.03 * highest, max(_MIN_TOP, _TOP * last)), lowest + _MIN_RANGE)
    return max(0.0, lowest - _BELOW * (top - lowest)), top

"""Training and test error by iteration (figures 1, 4 and 6)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from benchmark.report.figures.lines import draw_runs
from benchmark.report.figures.style import Look, blank, label_of, legend_beside, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TEST, _VALIDATION = "test_error_percent", "validation_error_percent"

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
    scored_on = _splits(curves)
    curves = curves.assign(scored=scored_errors(curves))
    low, high = range_of(curves, levels)
    key = f"bold: {' or '.join(scored_on)}\nthin and dashed: training" if scored_on else None
    by_variant = dict(list(curves.groupby("variant")))
    for panel, variants in zip(axes, drawn, strict=False):
        for variant in variants:
            runs, style = by_variant[variant], look[variant]
            draw_runs(panel, runs, "iteration", "train_error_percent", **style.thin)
            label = label_of(variant, levels)
            draw_runs(panel, runs, "iteration", "scored", label, **style.bold)
            if variant in levels:
                panel.axhline(levels[variant], color=style.color, linewidth=0.7)
        panel.set(xlabel="iteration", ylabel="error (%)")
        panel.set_ylim(low, high)
        legend_beside(panel, key)
    for panel in axes[len(drawn) :]:
        panel.set_visible(False)
    return figure


def scored_errors(curves: pd.DataFrame) -> pd.Series:
    """Return the test error of each row or, of runs that were never tested, the validation error;
    missing if the epoch was not scored."""
    errors = curves.reindex(columns=[_TEST, _VALIDATION])
    return errors[_TEST].where(_tested(curves), errors[_VALIDATION])


def _tested(curves: pd.DataFrame) -> pd.Series:
    """Return for each row whether its run was tested at all."""
    scored = curves.reindex(columns=[_TEST])[_TEST].notna()
    return scored.groupby(curves["run_id"]).transform("any")


def _splits(curves: pd.DataFrame) -> list[str]:
    """Return what the scored errors are of."""
    tested = _tested(curves)
    held_out = curves.reindex(columns=[_VALIDATION])[_VALIDATION].notna()[~tested].any()
    return [name for name, is_ in (("test", tested.any()), ("validation", held_out)) if is_]


def range_of(curves: pd.DataFrame, levels: Mapping[str, float]) -> tuple[float, float]:
    """Return the range of an error axis, in percent: from a little below everything drawn to above
    the final errors. ``curves``: with a column ``scored``."""
    errors = curves.reindex(columns=["train_error_percent", "scored"])
    last = errors.groupby(curves["run_id"], sort=False).last().max().max()
    lowest, highest = errors.min().min(), errors.max().max()
    if pd.isna(highest):
        return 0.0, 100.0
    drawn = [levels[variant] for variant in set(curves["variant"]) & levels.keys()]
    lowest = min(lowest, *drawn) if drawn else lowest
    top = max(min(1.03 * highest, max(_MIN_TOP, _TOP * last)), lowest + _MIN_RANGE)
    return max(0.0, lowest - _BELOW * (top - lowest)), top

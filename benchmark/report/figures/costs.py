"""What an error, or a precision, costs."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from benchmark.report.figures.style import Look, blank
from benchmark.suite.measure import ERROR, Measure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_costs(runs: pd.DataFrame, look: Mapping[str, Look], measure: Measure = ERROR) -> "Figure":
    """The measure against parameters and against training time: a small mark a run, a large one at
    the mean of a variant of which none diverged."""
    from matplotlib.ticker import EngFormatter, MaxNLocator, NullLocator, StrMethodFormatter

    finished = runs[runs["status"] == "finished"].dropna(subset=[measure.column])
    diverged = set(runs.loc[runs["status"] == "diverged", "variant"])
    figure, axes = blank(2, 1, 5.5, 4.2)
    costs = {"parameters": "parameters", "train_time_s": "training time (minutes)"}
    by_variant = finished.groupby("variant", sort=False)
    ticks = EngFormatter(sep=""), StrMethodFormatter("{x:g}")
    for panel, (column, name), tick in zip(axes, costs.items(), ticks, strict=True):
        for variant, group in by_variant:
            style = look[str(variant)]
            cost = group[column] / (60 if column == "train_time_s" else 1)
            points: dict[str, Any] = {"color": style.color, "marker": style.marker, "linestyle": ""}
            panel.plot(cost, group[measure.column], markersize=4, alpha=0.5, **points)
            mean = math.nan if variant in diverged else group[measure.column].mean()
            panel.plot([cost.mean()], [mean], markersize=9, label=variant, **points)
        panel.set(xlabel=name, xscale="log")
        panel.xaxis.set_major_locator(MaxNLocator(5))
        panel.xaxis.set_major_formatter(tick)
        panel.xaxis.set_minor_locator(NullLocator())
    axes[0].set(ylabel=f"{measure.name} after the last epoch (%)")
    axes[0].legend(fontsize=7, ncols=1 + len(by_variant) // 12)
    return figure

"""Error or average precision against cost."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from benchmark.metrics import ERROR, Metric
from benchmark.report.figures.style import Look, blank, name_with_lost
from benchmark.status import ENDED, Status

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_costs(runs: pd.DataFrame, look: Mapping[str, Look], metric: Metric = ERROR) -> "Figure":
    """Draw the metric against parameters and against training time: a small mark per run, a large
    one at the mean of a variant without diverged runs; runs that diverged or failed are counted
    next to its name."""
    from matplotlib.ticker import EngFormatter, MaxNLocator, NullLocator, StrMethodFormatter

    figure, axes = blank(2, 1, 5.5, 4.2)
    costs = {"parameters": "parameters", "train_time_s": "training time (minutes)"}
    ended = runs[runs["status"].isin(ENDED)]
    by_variant = ended.groupby("variant", sort=False)
    ticks = EngFormatter(sep=""), StrMethodFormatter("{x:g}")
    for panel, (column, name), tick in zip(axes, costs.items(), ticks, strict=True):
        positive = False
        for variant, group in by_variant:
            style, label = look[str(variant)], name_with_lost(str(variant), group["status"])
            finished = group[group["status"] == Status.FINISHED].dropna(subset=[metric.result])
            cost = finished[column].astype(float) / (60 if column == "train_time_s" else 1)
            there = (cost > 0).to_numpy()  # A published net used as is has no time.
            cost, positive = cost[there], positive or bool(there.any())
            points: dict[str, Any] = {"color": style.color, "marker": style.marker, "linestyle": ""}
            panel.plot(cost, finished.loc[there, metric.result], markersize=4, alpha=0.5, **points)
            diverged = (group["status"] == Status.DIVERGED).any()
            mean = math.nan if diverged else finished[metric.result].mean()
            panel.plot([cost.mean()], [mean], markersize=9, label=label, **points)
        panel.set(xlabel=name)
        if positive:
            panel.set_xscale("log")
        panel.xaxis.set_major_locator(MaxNLocator(5))
        panel.xaxis.set_major_formatter(tick)
        panel.xaxis.set_minor_locator(NullLocator())
    axes[0].set(ylabel=f"{metric.label} after the last epoch (%)")
    axes[0].legend(fontsize=7, ncols=1 + len(by_variant) // 12)
    return figure

"""The final error or average precision of every run."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from benchmark.metrics import ERROR, Metric
from benchmark.report.figures.style import Look, blank, name_with_lost
from benchmark.status import Status

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_seeds(
    runs: pd.DataFrame,
    look: Mapping[str, Look],
    levels: Mapping[str, float],
    metric: Metric = ERROR,
) -> "Figure":
    """Draw a row per variant: a mark per run, a bar at their mean, a thin line at the published
    value; runs that diverged or failed are counted next to its name."""
    by_variant = runs.groupby("variant", sort=False)
    figure, (axes,) = blank(1, 1, 7.5, 1.0 + 0.34 * len(by_variant))
    names: list[str] = []
    for row, (name, group) in enumerate(by_variant):
        variant = str(name)
        style = look[variant]
        values = group.loc[group["status"] == Status.FINISHED, metric.result].dropna()
        apart = 0.12 if len(values) > 1 else 0.0
        axes.plot(
            values,
            [row + apart * (i % 3 - 1) for i in range(len(values))],
            linestyle="",
            marker=style.marker,
            color=style.color,
            markersize=6,
            alpha=0.75,
        )
        if len(values) and not (group["status"] == Status.DIVERGED).any():
            mean = values.mean()
            axes.vlines(mean, row - 0.32, row + 0.32, color=style.color, linewidth=2.5)
        if variant in levels:
            axes.vlines(levels[variant], row - 0.42, row + 0.42, color="black", linewidth=0.8)
            axes.annotate(
                f"paper {levels[variant]:g}",
                (levels[variant], row - 0.42),
                ha="center",
                va="bottom",
                fontsize=7,
            )
        names.append(name_with_lost(variant, group["status"]))
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set(xlabel=f"{metric.label} after the last epoch (%)")
    return figure

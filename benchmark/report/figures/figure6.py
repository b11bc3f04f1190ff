"""Errors by iteration as in Figure 6 of the paper: plain nets left, residual nets right."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from benchmark.report.figures.curves import range_of, scored_errors
from benchmark.report.figures.lines import draw_runs
from benchmark.report.figures.nets import Net
from benchmark.report.figures.style import blank

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PAPERS_END, _PAPERS_TOP = 64_000, 20.0
"""Ends of Figure 6's axes, in iterations and percent."""

_MANY = 20_000
"""Number of iterations from which the axis is in units of 10,000, as in the paper; else 1,000."""


def draw_figure6(
    curves: pd.DataFrame, nets: Mapping[str, Net], levels: Mapping[str, float], end: int
) -> "Figure":
    """Draw the training error thin and dashed, the scored error bold, with a color per depth. The
    axes are the paper's if the schedule is; otherwise they cover the errors and the training.

    ``levels``: variant -> the published error, a thin line; ``end``: the number of iterations in
    the longest schedule, which may not be finished yet.
    """
    there = [variant for variant in nets if variant in set(curves["variant"])]
    kinds = [[v for v in there if nets[v].plain == plain] for plain in (True, False)]
    drawn = [kind for kind in kinds if kind]
    figure, axes = blank(len(drawn), 1, 5.6, 4.4)
    of_paper = end == _PAPERS_END
    unit = 10_000 if end >= _MANY else 1000
    scored = curves.assign(scored=scored_errors(curves), at=curves["iteration"] / unit)
    low, top = (0.0, _PAPERS_TOP) if of_paper else range_of(scored, levels)
    by_variant = dict(list(scored.groupby("variant", sort=False)))
    for panel, variants in zip(axes, drawn, strict=True):
        for variant in variants:
            net, runs = nets[variant], by_variant[variant]
            look: dict[str, Any] = {"color": net.color}
            draw_runs(panel, runs, "at", "train_error_percent", linewidth=0.9, ls="--", **look)
            label = _label(net, runs, variant, levels, top)
            draw_runs(panel, runs, "at", "scored", linewidth=2.2, label=label, **look)
            if variant in levels:
                panel.axhline(levels[variant], linewidth=0.7, **look)
        panel.set(xlabel=f"iter. (1e{len(str(unit)) - 1})", ylabel="error (%)")
        panel.set(xlim=(0, end / unit), ylim=(low, top))
        if of_paper:
            panel.set(xticks=range(7), yticks=[0, 5, 10, 20])
        panel.legend(loc="lower left", fontsize=8, framealpha=0.85)
    return figure


def _label(
    net: Net, runs: pd.DataFrame, variant: str, levels: Mapping[str, float], top: float
) -> str:
    """Return the net's name, marked if it is off the panel, like the paper's plain-110."""
    own = f"{net.name} (paper: {levels[variant]:g})" if variant in levels else net.name
    least = runs["scored"].min()
    return f"{own} (over {top:g} %)" if not pd.isna(least) and least > top else own

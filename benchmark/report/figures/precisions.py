"""Average precision and training loss of detectors, by iteration."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from benchmark.report.figures.lines import draw_runs
from benchmark.report.figures.style import Look, blank, label_of, legend_beside, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_KEY = "bold: AP\nthin and dashed: AP50"


def draw_precisions(
    curves: pd.DataFrame, look: Mapping[str, Look], levels: Mapping[str, float]
) -> "Figure":
    """Draw AP, bold, and AP50, thin and dashed, with a thin line at the published AP of a variant
    in ``levels``, and next to them the training loss. Runs of a variant look alike."""
    drawn = panels(curves["variant"])
    figure, axes = blank(2, len(drawn), 5.5, 3.8)
    by_variant = dict(list(curves.groupby("variant", sort=False)))
    for row, variants in enumerate(drawn):
        scored, trained = axes[2 * row : 2 * row + 2]
        for variant in variants:
            runs, style = by_variant[variant], look[variant]
            label = label_of(variant, levels)
            draw_runs(scored, runs, "iteration", "test_ap50_percent", **style.thin)
            draw_runs(scored, runs, "iteration", "test_ap_percent", **style.bold)
            draw_runs(trained, runs, "iteration", "train_loss", label, **style.bold)
            if variant in levels:
                scored.axhline(levels[variant], color=style.color, linewidth=0.7)
        scored.set(xlabel="iteration", ylabel="average precision (%)")
        trained.set(xlabel="iteration", ylabel="training loss")
        legend_beside(trained, _KEY)
    for panel in axes:
        panel.set_ylim(bottom=0)
    return figure

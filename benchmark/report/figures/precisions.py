"""Average precision and training loss of detectors by iteration."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from benchmark.report.figures.style import Look, blank, label_of, legend_beside, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_KEY = "bold: AP\nthin and dashed: AP50"


def draw_precisions(
    curves: pd.DataFrame, look: Mapping[str, Look], levels: Mapping[str, float]
) -> "Figure":
    """AP, bold, and AP50, thin and dashed, with a thin line at the published AP of a variant in
    ``levels``; beside them the training loss. Seeds of a variant look alike."""
    drawn = panels(curves["variant"])
    figure, axes = blank(2, len(drawn), 5.5, 3.8)
    by_variant = dict(list(curves.groupby("variant", sort=False)))
    for row, variants in enumerate(drawn):
        scored, trained = axes[2 * row : 2 * row + 2]
        for variant in variants:
            style, named = look[variant], label_of(variant, levels)
            for number, (_, run) in enumerate(by_variant[variant].groupby("run_id", sort=False)):
                own = {"marker": style.marker, "label": None if number else named}
                _line(scored, run, "test_ap50_percent", style, linestyle="--", linewidth=1)
                _line(scored, run, "test_ap_percent", style, linewidth=2.2, marker=style.marker)
                _line(trained, run, "train_loss", style, linewidth=1.5, **own)
            if variant in levels:
                scored.axhline(levels[variant], color=style.color, linewidth=0.7)
        scored.set(xlabel="iteration", ylabel="average precision (%)")
        trained.set(xlabel="iteration", ylabel="training loss")
        legend_beside(trained, _KEY)
    for panel in axes:
        panel.set_ylim(bottom=0)
    return figure


def _line(panel: "Axes", run: pd.DataFrame, column: str, style: Look, **how) -> None:
    """By iteration, where there is a value."""
    found = run.dropna(subset=[column])
    panel.plot(
        found["iteration"],
        found[column],
        color=style.color,
        markersize=4,
        markevery=max(1, len(found) // 10),
        **how,
    )

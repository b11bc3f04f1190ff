"""Responses by layer as in Figure 7 of the paper: in layer order above, by size below."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from benchmark.report.figures.layers import last_responses, scale_responses, tick_whole_layers
from benchmark.report.figures.lines import draw_runs
from benchmark.report.figures.nets import Net
from benchmark.report.figures.style import blank

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_figure7(layers: pd.DataFrame, nets: Mapping[str, Net]) -> "Figure":
    """Draw the standard deviation of each layer's responses at each run's last measurement; plain
    nets dashed, residual nets solid, with a color per depth."""
    found = last_responses(layers)
    figure, (by_place, by_size) = blank(1, 2, 7.0, 3.2)
    there = set(found["variant"])
    for variant in (v for v in nets if v in there):
        net, runs = nets[variant], found[found["variant"] == variant]
        look: dict[str, Any] = {"color": net.color, "ls": "--" if net.plain else "-"}
        for panel, x in ((by_place, "number"), (by_size, "rank")):
            draw_runs(panel, runs, x, "response_std", label=net.name, linewidth=1.6, **look)
    by_place.set(xlabel="layer index (original)", ylabel="std")
    by_size.set(xlabel="layer index (sorted by magnitude)", ylabel="std")
    for panel in (by_place, by_size):
        panel.set_xlim(0, found["number"].max() + 1)
        tick_whole_layers(panel)
    by_place.legend(fontsize=8, framealpha=0.85, ncols=2)
    scale_responses([by_place, by_size], found)
    return figure

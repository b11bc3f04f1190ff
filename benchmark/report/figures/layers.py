"""Inside the net: responses by layer (figure 7), and other quantities by layer and iteration."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from benchmark.diagnostics import RESPONSES, Diagnostic
from benchmark.report.figures.lines import draw_runs
from benchmark.report.figures.style import Look, blank, legend_beside, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ITERATIONS = 4
"""Maximum number of iterations for which gradients are drawn."""

_FAR = 100
"""Responses that differ by a larger factor are drawn on a logarithmic scale."""

_FAR_PEAKS = 10
"""As are those of variants whose largest responses differ by a larger factor."""


def draw_responses(layers: pd.DataFrame, look: Mapping[str, Look]) -> "Figure":
    """Draw the standard deviation of each layer's responses at each run's last measurement, in
    layer order and by size."""
    found = last_responses(layers)
    drawn = panels(found["variant"])
    figure, axes = blank(2, len(drawn), 5.5, 3.8)
    for row, variants in enumerate(drawn):
        by_place, by_size = axes[2 * row : 2 * row + 2]
        for variant in variants:
            runs = found[found["variant"] == variant]
            _draw(by_place, runs, "number", RESPONSES.column, look[variant], variant)
            _draw(by_size, runs, "rank", RESPONSES.column, look[variant], variant)
        by_place.set(xlabel="layer, by place", ylabel=RESPONSES.label)
        by_size.set(xlabel="layer, by size of its responses")
        legend_beside(by_size)
    iterations = sorted(set(found["iteration"]))
    axes[0].set_title(f"iteration {' or '.join(f'{i:,}' for i in iterations)}", fontsize=10)
    scale_responses(axes, found)
    return figure


def last_responses(layers: pd.DataFrame) -> pd.DataFrame:
    """Return the responses at each run's last measurement, and their rank by size."""
    found = layers.dropna(subset=[RESPONSES.column, "number"])
    last = found.groupby("run_id")["iteration"].transform("max")
    found = found[found["iteration"] == last]
    by_run = found.groupby("run_id")[RESPONSES.column]
    return found.assign(rank=by_run.rank(method="first", ascending=False))


def scale_responses(axes: "list[Axes]", found: pd.DataFrame) -> None:
    """Give all panels one scale."""
    shown = found[RESPONSES.column]
    peaks = found.groupby(["variant", "number"])[RESPONSES.column].median().groupby("variant").max()
    low, high = shown[shown > 0].min(), shown.max()
    # Without batch normalization responses may vanish; a deep plain net's first may be huge.
    if high > _FAR * low or peaks.max() > _FAR_PEAKS * peaks.min():
        _one_scale(axes, low / 1.5, high * 1.5, log=True)
    else:
        _one_scale(axes, 0, 1.05 * high or 1.0)


def draw_by_layer(
    layers: pd.DataFrame, look: Mapping[str, Look], diagnostic: Diagnostic
) -> "Figure":
    """Draw a quantity of each convolution, in layer order, with a panel per iteration; projections
    are left out, and a 0, which the scale cannot show, is noted in the legend."""
    column = diagnostic.column
    found = layers.dropna(subset=["number", column])
    chosen = _spread(sorted(set(found["iteration"])), _ITERATIONS)
    found = found[found["iteration"].isin(chosen)]
    drawn = panels(found["variant"])
    figure, axes = blank(len(chosen), len(drawn), 3.6, 3.8)
    for number, panel in enumerate(axes):
        row, place = divmod(number, len(chosen))
        for variant in drawn[row]:
            own = found[found["variant"] == variant]
            positive = own[(own[column] > 0) & (own["iteration"] == chosen[place])]
            label = f"{variant}{_zeros(own[column])}"
            _draw(panel, positive, "number", column, look[variant], label)
        panel.set(xlabel="layer, by place", title=f"iteration {chosen[place]:,}")
        if place == 0:
            panel.set(ylabel=diagnostic.label)
        if place == len(chosen) - 1:
            legend_beside(panel)
    shown = found.loc[found[column] > 0, column]
    if len(shown):
        _one_scale(axes, shown.min() / 1.5, shown.max() * 1.5, log=True)
    return figure


def _zeros(values: pd.Series) -> str:
    """Return what to add to a variant's name."""
    zero = values == 0
    return (" (0 in all)" if zero.all() else " (0 in some)") if zero.any() else ""


def _one_scale(axes: "list[Axes]", low: float, high: float, *, log: bool = False) -> None:
    """Give all panels the same limits, first, as one without positive numbers has none."""
    for panel in axes:
        panel.set_ylim(low, high)
        if log:
            panel.set_yscale("log")


def _draw(panel: "Axes", runs: pd.DataFrame, x: str, column: str, style: Look, label: str) -> None:
    line: dict[str, Any] = {"color": style.color, "marker": style.marker, "linewidth": 1.5}
    draw_runs(panel, runs, x, column, label, **line)
    tick_whole_layers(panel)


def tick_whole_layers(panel: "Axes") -> None:
    """Label whole numbers alone: there is no layer 2.5."""
    from matplotlib.ticker import MaxNLocator

    panel.xaxis.set_major_locator(MaxNLocator("auto", integer=True))


def _spread(values: list[int], max_count: int) -> list[int]:
    """Return the first value, the last, and some in between."""
    if len(values) <= max_count:
        return values
    return [values[round(i * (len(values) - 1) / (max_count - 1))] for i in range(max_count)]

"""Inside the net: responses by layer (figure 7), and other quantities by layer and iteration."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from benchmark.diagnostics import RESPONSES, Diagnostic
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
    layer order and by size. Values are means over a variant's seeds."""
    found = last_responses(layers)
    drawn, means = panels(found["variant"]), _means(found, ["variant"], RESPONSES.column)
    figure, axes = blank(2, len(drawn), 5.5, 3.8)
    for row, variants in enumerate(drawn):
        by_place, by_size = axes[2 * row : 2 * row + 2]
        for variant in variants:
            stds = means[(variant,)]
            ordered = stds.sort_values(ascending=False).set_axis(range(1, len(stds) + 1))
            _line(by_place, stds, look[variant], variant)
            _line(by_size, ordered, look[variant], variant)
        by_place.set(xlabel="layer, by place", ylabel=RESPONSES.label)
        by_size.set(xlabel="layer, by size of its responses")
        legend_beside(by_size)
    iterations = sorted(set(found["iteration"]))
    axes[0].set_title(f"iteration {' or '.join(f'{i:,}' for i in iterations)}", fontsize=10)
    scale_responses(axes, pd.concat(means.values()), [stds.max() for stds in means.values()])
    return figure


def last_responses(layers: pd.DataFrame) -> pd.DataFrame:
    """Return the responses at each run's last measurement."""
    found = layers.dropna(subset=[RESPONSES.column])
    last = found.groupby("run_id")["iteration"].transform("max")
    return found[found["iteration"] == last]


def scale_responses(axes: "list[Axes]", shown: pd.Series, peaks: Sequence[float]) -> None:
    """Give all panels one scale; ``peaks``: the largest response of each variant."""
    low, high = shown[shown > 0].min(), shown.max()
    # Without batch normalization responses may vanish; a deep plain net's first may be huge.
    if high > _FAR * low or max(peaks) > _FAR_PEAKS * min(peaks):
        _one_scale(axes, low / 1.5, high * 1.5, log=True)
    else:
        _one_scale(axes, 0, 1.05 * high or 1.0)


def draw_by_layer(
    layers: pd.DataFrame, look: Mapping[str, Look], diagnostic: Diagnostic
) -> "Figure":
    """Draw a quantity of each convolution, in layer order, with a panel per iteration. Values are
    means over a variant's seeds; projections are left out, and a 0, which the scale cannot show, is
    noted in the legend."""
    column = diagnostic.column
    found = layers.dropna(subset=["number", column])
    chosen = _spread(sorted(set(found["iteration"])), _ITERATIONS)
    drawn = panels(found["variant"])
    means = _means(found, ["iteration", "variant"], column)
    figure, axes = blank(len(chosen), len(drawn), 3.6, 3.8)
    for number, panel in enumerate(axes):
        row, place = divmod(number, len(chosen))
        for variant in drawn[row]:
            each = [means[i, variant] for i in chosen if (i, variant) in means]
            zeros = "all" if all((m == 0).all() for m in each) else "some"
            label = f"{variant} (0 in {zeros})" if any((m == 0).any() for m in each) else variant
            values = means.get((chosen[place], variant), pd.Series(dtype=float))
            _line(panel, values[values > 0], look[variant], label)
        panel.set(xlabel="layer, by place", title=f"iteration {chosen[place]:,}")
        if place == 0:
            panel.set(ylabel=diagnostic.label)
        if place == len(chosen) - 1:
            legend_beside(panel)
    shown = found[found["iteration"].isin(chosen) & (found[column] > 0)][column]
    if len(shown):
        _one_scale(axes, shown.min() / 1.5, shown.max() * 1.5, log=True)
    return figure


def _means(layers: pd.DataFrame, keys: list[str], column: str) -> dict[tuple[Any, ...], pd.Series]:
    """Return keys -> the mean over seeds, by the layer's position."""
    return {
        key: group.groupby("number")[column].mean()
        for key, group in layers.groupby(keys, sort=False)
    }


def _one_scale(axes: "list[Axes]", low: float, high: float, *, log: bool = False) -> None:
    """Give all panels the same limits, first, as one without positive numbers has none."""
    for panel in axes:
        panel.set_ylim(low, high)
        if log:
            panel.set_yscale("log")


def _line(panel: "Axes", y: pd.Series, style: Look, label: str) -> None:
    """Draw a series against its index."""
    panel.plot(
        y.index,
        y.to_numpy(),
        color=style.color,
        marker=style.marker,
        markersize=4,
        markevery=max(1, len(y) // 8),
        linewidth=1.5,
        label=label,
    )


def _spread(values: list[int], max_count: int) -> list[int]:
    """Return the first value, the last, and some in between."""
    if len(values) <= max_count:
        return values
    return [values[round(i * (len(values) - 1) / (max_count - 1))] for i in range(max_count)]

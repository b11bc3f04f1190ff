"""The runs of a variant in one panel: their median and range or, if there are few, a line each."""

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MIN_OF_A_BAND = 3
"""Number of runs of a variant from which their median and range are drawn."""


def draw_runs(
    panel: "Axes", runs: pd.DataFrame, x: str, y: str, label: str | None = None, **how: Any
) -> None:
    """Draw one column against another, where there are values; one of the lines has the label."""
    values = runs.dropna(subset=[y])
    lines = [run.set_index(x)[y].sort_index() for _, run in values.groupby("run_id", sort=False)]
    if len(lines) >= MIN_OF_A_BAND:
        spread = values.groupby(x)[y]
        low, high = spread.min(), spread.max()
        panel.fill_between(low.index, low, high, color=how["color"], alpha=0.2, linewidth=0)
        lines = [spread.median()]
    for number, line in enumerate(lines or [values.set_index(x)[y]]):
        look: dict[str, Any] = {"markersize": 4, "markevery": max(1, len(line) // 8)} | how
        if len(line) == 1:
            look = {"marker": "."} | look
        panel.plot(line.index, line.to_numpy(), label=None if number else label, **look)


def key_of(runs: pd.DataFrame) -> str:
    """Return the meaning of a line, for captions."""
    counts = runs.groupby("variant")["run_id"].nunique()
    few, many = (counts < MIN_OF_A_BAND).any(), (counts >= MIN_OF_A_BAND).any()
    told = {
        (True, False): "One line per run.",
        (False, True): "Lines are the median of the runs, bands their range.",
        (True, True): f"With {MIN_OF_A_BAND} or more runs, lines are medians and bands ranges.",
    }
    return told.get((bool(few), bool(many)), "")

"""The runs of a variant by iteration: a line each or, where they are many, how they spread."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from benchmark.report.figures.style import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_LINES = 10
"""Runs of a variant that are told apart."""


def key_of(curves: pd.DataFrame) -> str:
    """What is a line, for captions."""
    if (curves.groupby("variant")["run_id"].nunique() <= MAX_LINES).all():
        return "A line a run."
    return f"A line a run; of more than {MAX_LINES} of a variant the median, and their range."


def draw_runs(
    panel: "Axes",
    runs: pd.DataFrame,
    column: str,
    style: Look,
    label: str | None = None,
    **how: Any,
) -> None:
    """The values of a column, where there are any; one line of them has the label."""
    values = runs.dropna(subset=[column]).set_index("iteration")[["run_id", column]]
    lines = [run[column] for _, run in values.groupby("run_id", sort=False)]
    if len(lines) > MAX_LINES:
        spread = values[column].groupby(level=0)
        low, high = spread.min(), spread.max()
        panel.fill_between(low.index, low, high, color=style.color, alpha=0.15, linewidth=0)
        lines = [spread.median()]
    for number, line in enumerate(lines or [values[column]]):
        panel.plot(
            line.index,
            line,
            color=style.color,
            markersize=4,
            markevery=max(1, len(line) // 10),
            label=None if number else label,
            **how,
        )

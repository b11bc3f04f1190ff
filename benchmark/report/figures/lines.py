"""The runs of a variant by iteration: a line each or, if there are many, their spread."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from benchmark.report.figures.style import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_LINES = 10
"""Maximum number of runs of a variant drawn as separate lines."""


def key_of(curves: pd.DataFrame) -> str:
    """Return the meaning of a line, for captions."""
    if (curves.groupby("variant")["run_id"].nunique() <= MAX_LINES).all():
        return "One line per run."
    return f"One line per run; for more than {MAX_LINES} runs of a variant, median and range."


def draw_runs(
    panel: "Axes",
    runs: pd.DataFrame,
    column: str,
    style: Look,
    label: str | None = None,
    **how: Any,
) -> None:
    """Draw the values of a column, if any; one of the lines has the label."""
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

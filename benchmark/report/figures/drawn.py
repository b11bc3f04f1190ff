"""Which figures a suite's records make, and what they show."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmark.report.figures.costs import draw_costs
from benchmark.report.figures.curves import draw_curves
from benchmark.report.figures.layers import draw_gradients, draw_responses
from benchmark.report.figures.seeds import draw_seeds
from benchmark.report.figures.style import MOST, keep, looks


@dataclass(frozen=True)
class Drawn:
    """A figure that was written."""

    caption: str
    svg: Path
    png: Path


_NAMES = ("curves", "seeds", "responses", "gradients", "costs")


def draw_figures(
    runs: pd.DataFrame,
    curves: pd.DataFrame,
    layers: pd.DataFrame,
    levels: Mapping[str, float],
    folder: Path,
) -> list[Drawn]:
    """Write those that the frames have numbers for, as SVG and PNG; of the others what an earlier
    report left is deleted.

    ``levels``: variant -> the published error in percent that it may be compared with.
    """
    look, drawn = looks(runs["variant"]), []
    split = " or ".join(sorted(set(runs.get("evaluation.split", pd.Series(["test"])))))
    first = set(list(look)[:MOST])
    runs, curves, layers = (frame[frame["variant"].isin(first)] for frame in (runs, curves, layers))
    finished = runs[(runs["status"] == "finished") & runs["final_error_percent"].notna()]

    def add(name: str, caption: str, figure) -> None:
        if len(look) > MOST:
            caption += f" The first {MOST} of {len(look):,} variants."
        drawn.append(Drawn(caption, *keep(figure, folder, name)))

    if (curves["epoch"] > 1).any():  # A single point is no curve.
        add(
            "curves",
            f"Error by iteration. Bold: {split}; thin and dashed: training, over the mini-batches "
            "of an epoch. A line a run.",
            draw_curves(curves, look, levels),
        )
    if len(finished) > finished["variant"].nunique() or (len(finished) and levels):
        add(
            "seeds",
            f"{split.capitalize()} error after the last epoch: a mark a run, the bar at the mean.",
            draw_seeds(runs, look, levels),
        )
    ended = layers[layers["run_id"].isin(finished["run_id"])]
    if (ended["response_std"] > 0).any():
        add(
            "responses",
            "Standard deviation of each layer's responses, after batch normalisation where there "
            "is one and before addition and nonlinearity (figure 7 of the paper); mean over the "
            "runs that finished.",
            draw_responses(ended, look),
        )
    if (layers.loc[layers["number"].notna(), "gradient_norm"] > 0).any():
        add(
            "gradients",
            "Norm of the loss's gradient by each convolution's kernel, from the first on; mean "
            "over the runs that came there.",
            draw_gradients(layers, look),
        )
    if finished["parameters"].nunique() > 1:
        add(
            "costs",
            f"{split.capitalize()} error against what it cost: a small mark a run, a large one at "
            "the mean where none diverged.",
            draw_costs(runs, look),
        )
    for name in set(_NAMES) - {figure.svg.stem for figure in drawn}:
        for kind in ("svg", "png"):
            (folder / f"{name}.{kind}").unlink(missing_ok=True)
    return drawn

"""The figures for a suite's records, with their captions."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from benchmark.diagnostics import DIAGNOSTICS, RESPONSES
from benchmark.metrics import Metric
from benchmark.report.figures.costs import draw_costs
from benchmark.report.figures.curves import draw_curves
from benchmark.report.figures.detections import MIN_SCORE, Gallery, draw_detections
from benchmark.report.figures.figure6 import draw_figure6
from benchmark.report.figures.figure7 import draw_figure7
from benchmark.report.figures.layers import draw_by_layer, draw_responses
from benchmark.report.figures.lines import key_of
from benchmark.report.figures.nets import nets_of
from benchmark.report.figures.precisions import draw_precisions
from benchmark.report.figures.seeds import draw_seeds
from benchmark.report.figures.style import MAX_VARIANTS, Look, keep, looks
from benchmark.report.values import by_metric
from benchmark.status import Status

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawn:
    """A figure that was written."""

    caption: str
    svg: Path
    png: Path


_NAMES = (
    *("curves", "seeds", "costs", "curves-ap", "seeds-ap", "costs-ap", "detections"),
    *(each.figure for each in DIAGNOSTICS),
)

Draw = Callable[[], "Figure"]


def draw_figures(
    runs: pd.DataFrame,
    curves: pd.DataFrame,
    layers: pd.DataFrame,
    levels: Mapping[str, float],
    folder: Path,
    gallery: Gallery | None,
    failed: Callable[[str, Exception], None],
) -> list[Drawn]:
    """Write the figures that the frames have numbers for, as SVG and PNG, and delete those that an
    earlier report left for the others.

    ``levels``: variant -> the comparable published error, or a detector's average precision, in
    percent; ``gallery``: pictures of detections; ``failed``: called with the name and the error of
    a figure that cannot be made, after which the others are made.
    """
    look = looks(runs["variant"])
    first = set(list(look)[:MAX_VARIANTS])
    runs, curves, layers = (frame[frame["variant"].isin(first)] for frame in (runs, curves, layers))
    part = f" The first {MAX_VARIANTS} of {len(look):,} variants." if len(look) > len(first) else ""
    found = [
        (name, caption + part, draw)
        for name, caption, draw in _of_frames(runs, curves, layers, levels, look)
    ]
    if gallery:
        caption = (
            f"Detections in the first test images with a score of at least {MIN_SCORE:g}; "
            "dashed: true boxes. One row per variant: the first of its runs that finished."
        )
        found.append(("detections", caption, partial(draw_detections, gallery)))
    drawn = []
    for name, caption, draw in found:
        try:
            drawn.append(Drawn(caption, *keep(draw(), folder, name)))
        except OSError:  # A disk error: the other figures would fail too.
            raise
        except Exception as error:  # Anything that a library raises for one figure.
            failed(name, error)
    for name in set(_NAMES) - {figure.svg.stem for figure in drawn}:
        for kind in ("svg", "png"):
            (folder / f"{name}.{kind}").unlink(missing_ok=True)
    return drawn


def draw_errors(
    runs: pd.DataFrame,
    curves: pd.DataFrame,
    look: Mapping[str, Look],
    levels: Mapping[str, float],
) -> "Figure":
    """Draw the errors of classifiers by iteration: as in Figure 6 if they are of nets of several
    depths."""
    if nets := nets_of(runs):
        return draw_figure6(curves, nets, levels, int(runs["schedule.iterations"].max()))
    return draw_curves(curves, look, levels)


def draw_layers(runs: pd.DataFrame, layers: pd.DataFrame, look: Mapping[str, Look]) -> "Figure":
    """Draw the responses by layer: as in Figure 7 for such runs."""
    if nets := nets_of(runs):
        return draw_figure7(layers, nets)
    return draw_responses(layers, look)


def _of_frames(
    runs: pd.DataFrame,
    curves: pd.DataFrame,
    layers: pd.DataFrame,
    levels: Mapping[str, float],
    look: Mapping[str, Look],
) -> Iterator[tuple[str, str, Draw]]:
    """Yield each figure's name, its caption and the function that draws it."""
    draw: Draw
    kinds = list(by_metric(runs))
    finished = {
        metric: own[(own["status"] == Status.FINISHED) & own[metric.result].notna()]
        for metric, own in kinds
    }
    for metric, own in kinds:
        trained = curves[curves["variant"].isin(own["variant"])]
        if (trained["epoch"] > 1).any():  # A single point is not a curve.
            if metric.of_detectors:
                draw = partial(draw_precisions, trained, look, levels)
            else:
                draw = partial(draw_errors, own, trained, look, levels)
            yield _name("curves", metric), f"{_told(metric)} {key_of(trained)}", draw
    for metric, own in kinds:
        ended = finished[metric]
        published = levels.keys() & set(own["variant"])
        if len(ended) > ended["variant"].nunique() or (len(ended) and published):
            yield (
                _name("seeds", metric),
                f"Test {metric.label} after the last epoch: one mark per run, a bar at the mean.",
                partial(draw_seeds, own, look, levels, metric),
            )
    ids = [run_id for ended in finished.values() for run_id in ended["run_id"]]
    diagnosed = layers[layers["run_id"].isin(ids)]
    if (diagnosed[RESPONSES.column] > 0).any():
        caption = f"{RESPONSES.caption} {key_of(diagnosed)}"
        yield RESPONSES.figure, caption, partial(draw_layers, runs, diagnosed, look)
    for each in DIAGNOSTICS:
        if each is not RESPONSES and (layers.loc[layers["number"].notna(), each.column] > 0).any():
            caption = f"{each.caption} {key_of(layers)}"
            yield each.figure, caption, partial(draw_by_layer, layers, look, each)
    for metric, own in kinds:
        if finished[metric]["parameters"].nunique() > 1:
            yield (
                _name("costs", metric),
                f"Test {metric.label} against cost: a small mark per run, a large one at the mean "
                "if none diverged.",
                partial(draw_costs, own, look, metric),
            )


def _name(figure: str, metric: Metric) -> str:
    """Return a figure's file name: a suite may have it for either metric."""
    return f"{figure}-ap" if metric.of_detectors else figure


def _told(metric: Metric) -> str:
    """Return the caption of curves."""
    if metric.of_detectors:
        return (
            "Average precision on test images by iteration, and the training loss, averaged over "
            "an epoch. Bold: AP, over IoU thresholds from 0.5 to 0.95; thin and dashed: AP50, at "
            "0.5 only."
        )
    return (
        "Error by iteration. Bold: test; thin and dashed: training, over the mini-batches of an "
        "epoch."
    )

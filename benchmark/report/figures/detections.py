"""Images with their true boxes and detections."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.report.figures.style import COLORS, blank

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DETECTED, _TRUE = COLORS[1], COLORS[5]

MIN_SCORE = 0.5
"""Minimum score of the detections that are drawn."""

_PANEL, _FONT = 3.2, 6.5
"""Panel width in inches, and font size in points."""

_LINE = 0.06
"""Height of a line of text, as a share of a panel's height."""


@dataclass(frozen=True)
class Picture:
    """An image, and the boxes in it, (x1, y1, x2, y2) in its pixels."""

    pixels: np.ndarray
    """(height, width, 3) uint8."""
    true_boxes: np.ndarray
    """(n, 4)."""
    true_labels: np.ndarray
    """(n,)."""
    boxes: np.ndarray
    """(m, 4)."""
    scores: np.ndarray
    """(m,)."""
    labels: np.ndarray
    """(m,)."""
    title: str = ""


@dataclass(frozen=True)
class Gallery:
    """Pictures, row by row, in full rows."""

    pictures: list[Picture]
    columns: int
    classes: list[str]
    """Label -> name, for all pictures."""


def draw_detections(gallery: Gallery, min_score: float = MIN_SCORE) -> "Figure":
    """Draw a panel per image: true boxes thin and dashed, with classes at the bottom; detections
    with a score of at least ``min_score`` bold, with classes and scores at the top."""
    pictures, classes = gallery.pictures, gallery.classes
    rows = len(pictures) // gallery.columns
    ratio = float(np.median([each.pixels.shape[0] / each.pixels.shape[1] for each in pictures]))
    figure, axes = blank(gallery.columns, rows, _PANEL, _PANEL * ratio + 0.4)
    for panel, picture in zip(axes, pictures, strict=True):
        height, width = picture.pixels.shape[:2]
        panel.imshow(picture.pixels, extent=(0, width, height, 0), interpolation="nearest")
        panel.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
        panel.spines[:].set_visible(False)
        panel.grid(False)
        panel.set_title(picture.title, fontsize=8)
        for box, label in zip(picture.true_boxes, picture.true_labels, strict=True):
            _draw(panel, box, classes[label], _TRUE, detected=False)
        # The best come last, so that they lie on top.
        for place in np.argsort(picture.scores, kind="stable"):
            score = float(picture.scores[place])
            if score >= min_score:
                text = f"{classes[picture.labels[place]]} {score:.2f}"
                _draw(panel, picture.boxes[place], text, _DETECTED, detected=True)
    _explain(figure, min_score)
    return figure


def _draw(panel: "Axes", box: np.ndarray, text: str, color: str, *, detected: bool) -> None:
    from matplotlib.patches import Rectangle

    x1, y1, x2, y2 = map(float, box)
    width, height = panel.get_xlim()[1], panel.get_ylim()[0]
    above = detected and y1 > _LINE * height
    panel.add_patch(
        Rectangle(
            (x1, y1),
            x2 - x1,
            y2 - y1,
            fill=False,
            edgecolor=color,
            linewidth=1.8 if detected else 1.2,
            linestyle="-" if detected else "--",
        )
    )
    panel.text(
        max(x1, 0) if detected else min(x2, width),
        max(y1, 0) if detected else min(y2, height),
        text,
        fontsize=_FONT,
        ha="left" if detected else "right",
        va="bottom" if above or not detected else "top",
        color="white" if detected else "black",
        bbox={"facecolor": color, "edgecolor": "none", "pad": 0.8, "alpha": 0.85},
        clip_on=True,
    )


def _explain(figure: "Figure", min_score: float) -> None:
    from matplotlib.lines import Line2D

    figure.legend(
        handles=[
            Line2D([], [], color=_TRUE, linestyle="--", linewidth=1.2, label="true"),
            Line2D([], [], color=_DETECTED, linewidth=1.8, label=f"detected, {min_score:g} up"),
        ],
        loc="outside lower center",
        ncols=2,
        fontsize=8,
        frameon=False,
    )

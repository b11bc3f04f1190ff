"""The look of a variant, the same in all figures of a suite, and the writing of figures."""

import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.records.files import write_bytes
from benchmark.status import LOST

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
"""Okabe and Ito's palette, which color-blind readers can tell apart."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""For figures in grayscale."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""Characters not allowed in a figure's text or an SVG file."""

A_PANEL, MAX_VARIANTS = len(COLORS), 32
"""Maximum number of variants in a panel, and in a figure."""


@dataclass(frozen=True)
class Look:
    """A variant's color and marker."""

    color: str
    marker: str

    @property
    def thin(self) -> dict[str, Any]:
        """Return the arguments of a thin, dashed line."""
        return {"color": self.color, "linewidth": 1, "linestyle": "--"}

    @property
    def bold(self) -> dict[str, Any]:
        """Return the arguments of a bold line."""
        return {"color": self.color, "linewidth": 2.2, "marker": self.marker}


def looks(variants: Iterable[str]) -> dict[str, Look]:
    """Return the look of each variant, by their order, which is the suite's."""
    names = list(dict.fromkeys(variants))
    return {
        name: Look(COLORS[i % len(COLORS)], MARKERS[i % len(MARKERS)])
        for i, name in enumerate(names)
    }


def panels(variants: Iterable[str]) -> list[list[str]]:
    """Return the variants to draw, grouped by panel; in one panel no two look alike."""
    names = list(dict.fromkeys(variants))[:MAX_VARIANTS]
    size = -(-len(names) // -(-len(names) // A_PANEL)) if names else 1
    return [names[first : first + size] for first in range(0, len(names), size)]


def blank(columns: int, rows: int, width: float, height: float) -> "tuple[Figure, list[Axes]]":
    """Return a figure, with panel sizes in inches, and its panels by row."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for panel in axes.flat:
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    return figure, list(axes.flat)


def label_of(variant: str, levels: Mapping[str, float]) -> str:
    """Return a variant's name with its comparable published value."""
    return f"{variant} (paper: {levels[variant]:g})" if variant in levels else variant


def name_with_lost(variant: str, statuses: "pd.Series[str]") -> str:
    """Return a variant's name with the number of its runs that diverged or failed."""
    counts = {what: int((statuses == what).sum()) for what in LOST}
    lost = ", ".join(f"{n} {what}" for what, n in counts.items() if n)
    return f"{variant} ({lost})" if lost else variant


def legend_beside(panel: "Axes", title: str | None = None) -> None:
    """Put the legend to the right of a panel, where it hides nothing."""
    panel.legend(
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        frameon=False,
        fontsize=8,
        title=title,
        title_fontsize=7,
    )


def keep(figure: "Figure", folder: Path, name: str) -> list[Path]:
    """Write NAME.svg and NAME.png: the same bytes for the same numbers, with text unchanged."""
    from matplotlib import rc_context

    files = [folder / f"{name}.svg", folder / f"{name}.png"]
    _make_plain(figure)
    with (
        rc_context(
            {
                "svg.hashsalt": "resnet-bench",
                "text.usetex": False,
                "figure.autolayout": False,
                "figure.constrained_layout.use": False,
            }
        ),
        warnings.catch_warnings(),
    ):
        # For glyphs that the font lacks; they are drawn as boxes.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        write_bytes(files[0], _bytes(figure, format="svg", metadata={"Date": None}))
        figure.set_layout_engine(None)  # Keep the layout of the SVG, and draw once.
        write_bytes(files[1], _bytes(figure, format="png", dpi=150))
    return files


def _make_plain(figure: "Figure") -> None:
    """Stop text from being read as math or TeX, such as class names with two ``$``, and replace
    characters that a file cannot hold. Only the numbers on logarithmic axes are math."""
    from matplotlib.text import Text
    from matplotlib.ticker import LogFormatter

    numbers = {
        id(label)
        for panel in figure.axes
        for axis in (panel.xaxis, panel.yaxis)
        for ticks, formatter in (
            (axis.get_major_ticks(), axis.get_major_formatter()),
            (axis.get_minor_ticks(), axis.get_minor_formatter()),
        )
        if isinstance(formatter, LogFormatter)
        for tick in ticks
        for label in (tick.label1, tick.label2)
    }
    for text in figure.findobj(Text):
        text.set_usetex(False)
        if id(text) not in numbers:
            text.set_parse_math(False)
            text.set_text(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.get_text()))


def _bytes(figure: "Figure", **how: Any) -> bytes:
    drawn = BytesIO()
    figure.savefig(drawn, **how)
    return drawn.getvalue()

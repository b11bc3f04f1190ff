"""How likely a claim is judged rightly, by the number of seeds."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from benchmark.report import statistics
from benchmark.report.attainable import ALPHA
from benchmark.report.figures.style import COLORS, MARKERS, blank

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SD, MARGIN, SEEDS = 0.2, 0.5, (3, 5, 10)
"""Points of error: about what runs of one net differ by, and the margin that claims have."""

_DIFFERENCES = np.linspace(0, 1.2, 13)
_PAPERS = 500

Judge = Callable[[np.random.Generator, int, float], bool]
"""Draw a made-up paper and so many runs of ours, with a true difference; is it reproduced?"""


def _of_a_mean(rng: np.random.Generator, n: int, difference: float) -> bool:
    theirs = rng.normal(0, SD, 5)
    ours = rng.normal(difference, SD, n).tolist()
    found = statistics.equivalence(ours, float(theirs.mean()), float(theirs.std(ddof=1)), 5, MARGIN)
    return found.p <= ALPHA


def _of_one_run(rng: np.random.Generator, n: int, difference: float) -> bool:
    theirs, ours = rng.normal(0, SD), rng.normal(difference, SD, n).tolist()
    return statistics.consistency(ours, float(theirs), MARGIN).p <= ALPHA


def _of_a_direction(rng: np.random.Generator, n: int, difference: float) -> bool:
    other, ours = rng.normal(difference, SD, n), rng.normal(0, SD, n)
    return statistics.mann_whitney(ours, other, "less") <= ALPHA


_CLAIMS: dict[str, Judge] = {
    "equal to a published mean of 5 runs": _of_a_mean,
    "consistent with one published run": _of_one_run,
    "lower than another variant": _of_a_direction,
}


def draw_power() -> "Figure":
    """The share of made-up papers that are judged reproduced, by the true difference: a panel a
    kind of claim, a line a number of seeds; a single claim, not corrected for being one of many.
    The first two are false from the margin on, and the third is at no difference."""
    figure, axes = blank(len(_CLAIMS), 1, 4.0, 3.6)
    rng = np.random.default_rng(0)
    for panel, (claim, judge) in zip(axes, _CLAIMS.items(), strict=True):
        for number, n in enumerate(SEEDS):
            shares = [
                np.mean([judge(rng, n, difference) for _ in range(_PAPERS)])
                for difference in _DIFFERENCES
            ]
            panel.plot(
                _DIFFERENCES,
                shares,
                color=COLORS[number],
                marker=MARKERS[number],
                markersize=4,
                label=f"{n} seeds",
            )
        panel.axhline(ALPHA, color="black", linewidth=0.7)
        if judge is not _of_a_direction:
            panel.axvline(MARGIN, color="black", linewidth=0.7, linestyle=":")
        panel.set(title=claim, xlabel="true difference (points)", ylim=(0, 1.02))
    axes[0].set(ylabel="share judged reproduced")
    axes[0].legend(fontsize=8)
    return figure

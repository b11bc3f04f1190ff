"""The chance of a right verdict, by the number of seeds and by design of looks."""

from typing import TYPE_CHECKING

import numpy as np

from benchmark.report.figures.style import COLORS, MARKERS, blank
from benchmark.statistics.finding import ALPHA
from benchmark.statistics.sequential import Design, Prior, expected
from benchmark.suite.claims import Claim, PublishedClaim, claim_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SD, SEEDS = 0.2, (3, 5, 10)
"""Typical standard deviation between runs of a net, in points of error, and numbers of seeds."""

_DIFFERENCES = np.linspace(0, 1.6, 17)
_SUITES = 2000

_CLAIMS = {
    "equal to a published mean of 5 runs": claim_of(
        statement="mean", variant="a", published="table6/ResNet-110/test_error_percent"
    ),
    "consistent with one published run": claim_of(
        statement="run", variant="a", published="table6/ResNet-20/test_error_percent"
    ),
    "lower than another variant": claim_of(
        statement="lower", variant="a", against="b", direction="lower"
    ),
}

_DESIGNS = {
    "5 runs, exact": Design((5,)),
    "3, 4 or 5 runs, exact": Design((3, 4, 5)),
    "5 runs, moderated t": Design((5,), prior=Prior()),
    "2, 3 or 5 runs, moderated t": Design((2, 3, 5), prior=Prior()),
}


def draw_power() -> "Figure":
    """Draw, above, the share of simulated suites in which a claim is reproduced, by the true
    difference: a panel per kind of claim, a line per number of seeds. Each is a single claim,
    not corrected for a family. The first two are false from the margin (dotted) on, and the third
    at zero difference.

    Below, designs for the third: how often they decide, and how many runs per variant they take."""
    figure, axes = blank(3, 2, 4.0, 3.4)
    rng = np.random.default_rng(0)
    for panel, (title, claim) in zip(axes[:3], _CLAIMS.items(), strict=True):
        for number, n in enumerate(SEEDS):
            shares = [_share(claim, rng, n, difference) for difference in _DIFFERENCES]
            _line(panel, number, shares, f"{n} seeds")
        panel.axhline(ALPHA, color="black", linewidth=0.7)
        if isinstance(claim, PublishedClaim):
            panel.axvline(claim.margin, color="black", linewidth=0.7, linestyle=":")
        panel.set(title=title, xlabel="true difference (points)", ylim=(0, 1.02))
    axes[0].set(ylabel="share judged reproduced")
    axes[0].legend(fontsize=8)
    for number, (name, design) in enumerate(_DESIGNS.items()):
        found = [expected(design, difference, SD, _SUITES) for difference in _DIFFERENCES]
        _line(axes[3], number, [chance for chance, _ in found], name)
        _line(axes[4], number, [runs for _, runs in found], name)
    axes[3].axhline(ALPHA, color="black", linewidth=0.7)
    axes[3].set(title="lower, by design", ylabel="share judged reproduced", ylim=(0, 1.02))
    axes[4].set(title="runs that it takes", ylabel="mean runs of each variant", ylim=(0, 5.2))
    for panel in axes[3:5]:
        panel.set(xlabel="true difference (points)")
    axes[4].legend(fontsize=8)
    axes[5].set_axis_off()
    return figure


def _share(claim: Claim, rng: np.random.Generator, n: int, difference: float) -> float:
    """Return the share judged reproduced among simulated suites, each with a simulated paper."""
    ours, other = rng.normal(0, SD, (_SUITES, n)), rng.normal(difference, SD, (_SUITES, n))
    if isinstance(claim, PublishedClaim):
        number = claim.number
        theirs = rng.normal(0, SD / np.sqrt(number.n or 1), (_SUITES, 1))
        values = [ours + difference - theirs + number.value]
    else:
        values = [ours, other]
    p, _ = claim.p_values(values)
    return float(np.mean(p <= ALPHA))


def _line(panel: "Axes", number: int, values: list[float], label: str) -> None:
    panel.plot(
        _DIFFERENCES,
        values,
        color=COLORS[number],
        marker=MARKERS[number],
        markersize=4,
        label=label,
    )

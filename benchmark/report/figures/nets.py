"""Plain and residual nets by depth, as distinguished in Figures 4, 6 and 7 of the paper."""

from dataclasses import dataclass
from itertools import cycle

import pandas as pd

from benchmark.report.figures.style import COLORS

_OF_PAPER = {
    20: "#E69F00", 32: "#56B4E9", 44: "#009E73", 56: "#D55E00", 110: "#000000", 1202: "#CC79A7",
    18: "#56B4E9", 34: "#D55E00",
}  # fmt: skip
"""Depth -> a color close to the paper's that color-blind readers can tell from the others."""


@dataclass(frozen=True)
class Net:
    """A variant's net, if variants differ only in shortcuts and depth."""

    plain: bool
    depth: int
    color: str

    @property
    def name(self) -> str:
        """The name in the paper: ``plain-20``, ``ResNet-20``."""
        return f"{'plain' if self.plain else 'ResNet'}-{self.depth}"


def nets_of(runs: pd.DataFrame) -> dict[str, Net]:
    """Return variant -> net, plain nets first, by depth; empty unless the runs are of nets of
    several depths, with one variant per net. Their colors are the paper's if it has all depths.

    ``runs``: from ``load_runs``.
    """
    first = runs.drop_duplicates("variant")
    fields = first.reindex(columns=["variant", "model.shortcut", "model.depth"])
    kinds = [
        (shortcut == "none", int(depth), variant)
        for variant, shortcut, depth in fields.dropna().itertuples(index=False)
    ]
    depths = sorted({depth for _, depth, _ in kinds})
    told_apart = len({(plain, depth) for plain, depth, _ in kinds}) == len(kinds) == len(first)
    if not told_apart or len(depths) < 2:
        return {}
    colors = _OF_PAPER if _OF_PAPER.keys() >= set(depths) else dict(zip(depths, cycle(COLORS)))
    ordered = sorted(kinds, key=lambda kind: (not kind[0], kind[1]))
    return {v: Net(plain, depth, colors[depth]) for plain, depth, v in ordered}

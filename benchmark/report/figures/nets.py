"""Plain and residual nets by depth, as distinguished in Figures 4, 6 and 7 of the paper."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    several depths, with one variant per net.

    ``runs``: from ``load_runs``.
    """
    first = runs.drop_duplicates("variant")
    fields = first.reindex(columns=["variant", "model.shortcut", "model.depth", "detector"])
    kinds = [
        (isinstance(shortcut, str) and shortcut == "none", depth, variant)
        for variant, shortcut, depth, _ in fields.itertuples(index=False)
        if not pd.isna(depth) and isinstance(shortcut, str)
    ]
    depths = sorted({int(depth) for _, depth, _ in kinds})
    told_apart = len({(plain, depth) for plain, depth, _ in kinds}) == len(kinds) == len(first)
    if not told_apart or len(depths) < 2:
        return {}
    colors = _colors(depths)
    ordered = sorted(kinds, key=lambda kind: (not kind[0], kind[1]))
    return {v: Net(plain, int(depth), colors[int(depth)]) for plain, depth, v in ordered}


def _colors(depths: Sequence[int]) -> dict[int, str]:
    """Return colors by depth: the paper's if it has all of the depths."""
    if all(depth in _OF_PAPER for depth in depths):
        return {depth: _OF_PAPER[depth] for depth in depths}
    return {depth: COLORS[place % len(COLORS)] for place, depth in enumerate(depths)}

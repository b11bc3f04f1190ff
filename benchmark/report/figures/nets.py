"""Plain and residual nets by depth, as Figures 4, 6 and 7 of the paper tell them apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from benchmark.report.figures.style import COLORS

_OF_PAPER = {
    20: "#E69F00", 32: "#56B4E9", 44: "#009E73", 56: "#D55E00", 110: "#000000", 1202: "#CC79A7",
    18: "#56B4E9", 34: "#D55E00",
}  # fmt: skip
"""Depth -> a colour near the paper's, that colour-blind readers tell from the others."""


@dataclass(frozen=True)
class Net:
    """What a variant is, where variants differ in shortcuts and depth alone."""

    plain: bool
    depth: int
    color: str

    @property
    def name(self) -> str:
        """As in the paper: ``plain-20``, ``ResNet-20``."""
        return f"{'plain' if self.plain else 'ResNet'}-{self.depth}"


def nets_of(runs: pd.DataFrame) -> dict[str, Net]:
    """Variant -> net, plain ones first, by depth; empty where the runs are not of nets of several
    depths, one variant a net.

    ``runs``: as ``load_runs`` gives them.
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
    """The paper's where it has all of the depths."""
    if all(depth in _OF_PAPER for depth in depths):
        return {depth: _OF_PAPER[depth] for depth in depths}
    return {depth: COLORS[place % len(COLORS)] for place, depth in enumerate(depths)}

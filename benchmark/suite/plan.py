"""The runs of a suite: every variant at every point of the grid with every seed."""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from benchmark.spec import RunSpec, VggSpec
from benchmark.suite.overrides import Overrides

MAX_CELLS = 100_000


@dataclass(frozen=True)
class Cell:
    """One run that a suite asks for. Cells with equal specs share one run."""

    variant: str
    seed: int
    spec: RunSpec

    @cached_property
    def run_id(self) -> str:
        """The digest of the spec."""
        return self.spec.digest()

    @property
    def name(self) -> str:
        """For people: ``resnet20-A/seed0``."""
        return f"{self.variant}/seed{self.seed}"

    @property
    def source(self) -> str | None:
        """The id of the run whose weights it begins from."""
        return self.spec.pretrained.run if self.spec.pretrained else None


@dataclass(frozen=True)
class Plan:
    """A suite's cells, in its order."""

    suite: str
    cells: tuple[Cell, ...]

    def runs(self) -> dict[str, Cell]:
        """Run id -> the first cell that asks for it, in the order in which they are trained: all
        variants at the first seed, then at the next, so that claims have something early."""
        seeds = dict.fromkeys(cell.seed for cell in self.cells)
        place = {seed: number for number, seed in enumerate(seeds)}
        runs: dict[str, Cell] = {}
        for cell in sorted(self.cells, key=lambda cell: place[cell.seed]):
            runs.setdefault(cell.run_id, cell)
        return runs

    def with_threads_at_most(self, most: int) -> "Plan":
        """The same with fewer threads in each run that has more: other runs, as their bits are
        others, and so are those that begin from them."""
        ids: dict[str, str] = {}
        cells = []
        for cell in self.cells:  # A run stands behind the one that it begins from.
            spec, numerics = cell.spec, cell.spec.numerics
            if numerics.threads > most:
                fewer = numerics.model_copy(update={"threads": most})
                spec = spec.model_copy(update={"numerics": fewer})
            if spec.pretrained and cell.source in ids:
                begun = spec.pretrained.model_copy(update={"name": ids[cell.source]})
                spec = spec.model_copy(update={"pretrained": begun})
            cells.append(replace(cell, spec=spec))
            ids[cell.run_id] = cells[-1].run_id
        return replace(self, cells=tuple(cells))


def combinations(
    variants: int, grid: Mapping[str, list[Any]]
) -> Iterator[tuple[int, dict[str, int]]]:
    """Which variant, and which value of each of the grid's fields: each variant at each point."""
    points = list(itertools.product(*(range(len(values)) for values in grid.values())))
    for variant in range(variants):
        for point in points:
            yield variant, dict(zip(grid, point, strict=True))


def variant_name(name: str | None, spec: RunSpec, point: Overrides) -> str:
    """The stated name, or the net's, and what the grid sets beside what the net's name says."""
    told = () if name else ("model.depth", "model.shortcut")
    leaves = [dotted.rsplit(".", 1)[-1] for dotted in point]
    parts = [name or net_name(spec)]
    for (dotted, value), leaf in zip(point.items(), leaves, strict=True):
        if dotted not in told:
            parts.append(f"{leaf if leaves.count(leaf) == 1 else dotted}={_text(value)}")
    return re.sub(r"[^A-Za-z0-9._=+-]+", "_", "-".join(parts)).strip("_")


def net_name(spec: RunSpec) -> str:
    """``plain20``, ``resnet20-A`` or ``vgg16``."""
    model = spec.model
    if isinstance(model, VggSpec):
        return f"vgg{model.depth}"
    if model.shortcut == "none":
        return f"plain{model.depth}"
    return f"resnet{model.depth}-{model.shortcut}"


def _text(value: Any) -> str:
    if value is None:
        return "off"
    if isinstance(value, dict):
        return "+".join(f"{key}={_text(item)}" for key, item in value.items()) or "on"
    if isinstance(value, list):
        return "+".join(map(_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value)

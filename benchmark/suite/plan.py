"""The runs of a suite: every variant at every point of the grid with every seed."""

import itertools
import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from benchmark.spec import RunSpec

MAX_CELLS = 100_000

Overrides = dict[str, Any]
"""Dotted spec field -> value."""


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


@dataclass(frozen=True)
class Plan:
    """A suite's cells, in its order."""

    suite: str
    cells: tuple[Cell, ...]

    def runs(self) -> dict[str, Cell]:
        """Run id -> the first cell that asks for it."""
        runs: dict[str, Cell] = {}
        for cell in self.cells:
            runs.setdefault(cell.run_id, cell)
        return runs

    def variants(self) -> list[str]:
        """The variants' names, in the suite's order."""
        return list(dict.fromkeys(cell.variant for cell in self.cells))


def combinations(
    variants: Iterable[tuple[str | None, Overrides]], grid: dict[str, list[Any]]
) -> Iterator[tuple[str | None, Overrides, Overrides]]:
    """Name, overrides of the variant and of the grid, for each variant at each grid point."""
    points = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    for name, overrides in variants:
        for point in points:
            yield name, overrides, point


def overridden(base: dict[str, Any], overrides: Overrides) -> dict[str, Any]:
    """A copy of ``base`` with each dotted field set; other fields keep their values."""
    data = deepcopy(base)
    for dotted, value in overrides.items():
        *parents, leaf = dotted.split(".")
        here = data
        for parent in parents:
            if not isinstance(here.get(parent), dict):
                here[parent] = {}
            here = here[parent]
        here[leaf] = deepcopy(value)
    return data


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
    """``plain20`` or ``resnet20-A``."""
    model = spec.model
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

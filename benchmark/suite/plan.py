"""The runs of a suite: every variant at every point of the grid with every seed."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from benchmark.spec import RunSpec
from benchmark.suite.overrides import Overrides

MAX_CELLS = 100_000


@dataclass(frozen=True)
class Cell:
    """One run that a suite requests. Cells share a run if only what is measured differs."""

    variant: str
    seed: int
    spec: RunSpec

    @cached_property
    def run_id(self) -> str:
        """The digest of the spec."""
        return self.spec.digest()

    @property
    def name(self) -> str:
        """The name for display: ``resnet20-A/seed0``."""
        return f"{self.variant}/seed{self.seed}"

    @property
    def source(self) -> str | None:
        """The id of the run whose weights it starts from."""
        return self.spec.source


@dataclass(frozen=True)
class Plan:
    """A suite's cells, in its order."""

    suite: str
    cells: tuple[Cell, ...]

    def runs(self) -> dict[str, Cell]:
        """Return run id -> the first cell that requests it, in the order of training: all variants
        at the first seed, then at the next, so that claims have data early. Its spec includes
        everything to be measured for any cell that requests the run."""
        seeds = dict.fromkeys(cell.seed for cell in self.cells)
        place = {seed: number for number, seed in enumerate(seeds)}
        runs: dict[str, Cell] = {}
        for cell in sorted(self.cells, key=lambda cell: place[cell.seed]):
            first = runs.setdefault(cell.run_id, cell)
            if first.spec != cell.spec:
                runs[cell.run_id] = replace(first, spec=measured_for_both(first.spec, cell.spec))
        return runs

    def with_sources(self, cells: Iterable[Cell]) -> list[Cell]:
        """Return cells, and those whose weights they start from, in the plan's order."""
        runs = self.runs()
        chosen = {cell.name: cell for cell in cells}
        ids = {cell.run_id for cell in chosen.values()}
        waiting = list(chosen.values())
        while waiting:
            source = runs.get(waiting.pop().source or "")
            if source and source.run_id not in ids:
                ids.add(source.run_id)
                chosen[source.name] = source
                waiting.append(source)
        return [cell for cell in self.cells if cell.name in chosen]


def measured_for_both(spec: RunSpec, other: RunSpec) -> RunSpec:
    """Return ``spec`` with the measurements of ``other``, whose id is the same, added; scored in
    the batches of ``spec``."""
    scored, measured = spec.evaluation, spec.diagnostics
    every = math.gcd(scored.every_epochs, other.evaluation.every_epochs)
    iterations = sorted({*measured.iterations, *other.diagnostics.iterations})
    return spec.model_copy(
        update={
            "evaluation": scored.model_copy(update={"every_epochs": every}),
            "diagnostics": measured.model_copy(update={"iterations": tuple(iterations)}),
        }
    )


def variant_name(name: str | None, spec: RunSpec, point: Overrides) -> str:
    """Return the stated name, or the net's, plus what the grid sets that the name does not say."""
    told = () if name else ("model.depth", "model.shortcut")
    leaves = [dotted.rsplit(".", 1)[-1] for dotted in point]
    parts = [name or spec.model.name]
    for (dotted, value), leaf in zip(point.items(), leaves, strict=True):
        if dotted not in told:
            parts.append(f"{leaf if leaves.count(leaf) == 1 else dotted}={_text(value)}")
    return re.sub(r"[^A-Za-z0-9._=+-]+", "_", "-".join(parts)).strip("_")


def _text(value: Any) -> str:
    if value is None:
        return "off"
    if isinstance(value, dict):
        return "+".join(f"{key}={_text(item)}" for key, item in value.items()) or "on"
    if isinstance(value, list):
        return "+".join(map(_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value)

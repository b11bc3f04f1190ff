"""``--only`` and ``--seeds``: a selection of a suite's cells. The suite itself is unchanged."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from benchmark.problems import InputError
from benchmark.suite.names import as_name
from benchmark.suite.plan import Plan

_SHOWN = 100


@dataclass(frozen=True)
class Selection:
    """Some of a suite's variants with some of its seeds."""

    variants: frozenset[str]
    seeds: frozenset[int]
    words: tuple[str, ...] = ()
    """As on the command line; empty if nothing was requested and everything is selected."""

    def has(self, variant: str, seed: int) -> bool:
        """Return whether a cell is selected."""
        return variant in self.variants and seed in self.seeds

    @property
    def name(self) -> str:
        """A name for a folder."""
        text = re.sub(r"-?-(only|seeds) ", "", " ".join(self.words))
        return as_name(text, " ".join(self.words), exact=False)

    def __str__(self) -> str:
        return shlex.join(self.words)

    def part_of(self, plan: Plan) -> Plan:
        """Return the selected cells, and those whose weights they start from."""
        chosen = (cell for cell in plan.cells if self.has(cell.variant, cell.seed))
        return Plan(plan.suite, tuple(plan.with_sources(chosen)))


def select(
    cells: Sequence[tuple[str, int]], only: Sequence[str] = (), seeds: str | None = None
) -> Selection:
    """Select from a suite's cells, each (variant, seed). Raises InputError.

    ``only``: variants with shell wildcards, each of which must match at least one; ``seeds``: some
    of the suite's own, ``0-2``, ``0,3`` or ``0``.
    """
    variants = list(dict.fromkeys(variant for variant, _ in cells))
    known = list(dict.fromkeys(seed for _, seed in cells))
    chosen = {pattern: [v for v in variants if fnmatchcase(v, pattern)] for pattern in only}
    for pattern, found in chosen.items():
        if not found:
            rule = f"--only must match a variant of the suite: {_listed(variants)}"
            raise InputError(f"{rule}. Received: {pattern}")
    words = [word for pattern in chosen for word in ("--only", pattern)]
    if seeds is not None:
        words += ["--seeds", seeds]
    return Selection(
        frozenset(v for found in chosen.values() for v in found) if only else frozenset(variants),
        frozenset(known if seeds is None else _seeds(seeds, known)),
        tuple(words),
    )


def _seeds(text: str, known: Sequence[int]) -> Iterator[int]:
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d{1,19})\s*(?:-\s*(\d{1,19})\s*)?", part, re.ASCII)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        asked = range(first, last + 1)
        if not asked or any(seed not in known for seed in asked):
            rule = f"--seeds must be seeds of the suite ({_listed(known)}), e.g. 0-2, 0,3 or 0"
            raise InputError(f"{rule}. Received: {text}")
        yield from asked


def _listed(items: Sequence[object]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(map(str, items[:_SHOWN])) + more

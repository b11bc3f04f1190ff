"""The part of a suite that is requested."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.shipped import suite_file
from benchmark.suite import Changes, LoadedSuite, Plan, load_suite
from benchmark.suite.selection import Selection, select


@dataclass(frozen=True)
class Asked:
    """A suite, and the requested part of it."""

    whole: LoadedSuite
    part: LoadedSuite
    """With only the selected part of the plan."""
    selection: Selection


def ask(
    suite: str | Path,
    set_: Sequence[str] = (),
    only: Sequence[str] = (),
    seeds: str | None = None,
) -> Asked:
    """Return the suite from a file, or the one with that name in the package.

    ``set_``: fields of the spec to set in all cells (``model.depth=20``), which makes another
    suite; ``only``: variants, with shell wildcards; ``seeds``: ``0-2``, ``0,3`` or ``0``.
    Raises InputError, which lists every problem and its location.
    """
    whole = load_suite(suite_file(Path(suite)), Changes(set_))
    cells = [(cell.variant, cell.seed) for cell in whole.plan.cells]
    selection = select(cells, only, seeds)
    return Asked(whole, replace(whole, plan=selection.part_of(whole.plan)), selection)


def plan(
    suite: str | Path,
    *,
    set_: Sequence[str] = (),
    only: Sequence[str] = (),
    seeds: str | None = None,
) -> Plan:
    """Return the runs of a suite, with their specs and ids; see ``ask``. Writes nothing."""
    return ask(suite, set_, only, seeds).part.plan

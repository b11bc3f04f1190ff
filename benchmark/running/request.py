"""What of a suite is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.shipped import suite_file
from benchmark.suite import Changes, LoadedSuite, Plan, load_suite
from benchmark.suite.selection import Selection, select


@dataclass(frozen=True)
class Asked:
    """A suite, and the part of it that is asked for."""

    whole: LoadedSuite
    part: LoadedSuite
    """With the selected part of the plan alone."""
    selection: Selection


def ask(
    suite: str | Path,
    set_: Sequence[str] = (),
    only: Sequence[str] = (),
    seeds: str | None = None,
) -> Asked:
    """The suite of a file, or of that name in the package.

    ``set_``: fields of the spec that are set in all cells (``model.depth=20``), which makes another
    suite; ``only``: variants, with a shell's wildcards; ``seeds``: ``0-2``, ``0,3`` or ``0``.
    Raises InputError, which names every problem and where it stands.
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
    """The runs that a suite asks for, with their specs and ids; see ``ask``. Nothing is written."""
    return ask(suite, set_, only, seeds).part.plan

"""How much of a suite a report shows, and the sentences that say so."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.report.verdicts import Verdict
from benchmark.suite.selection import Selection


def folder_of(suite: Path, selection: Selection) -> Path:
    """Return the report's folder: a report on a selection never replaces the whole suite's."""
    return suite / "selected" / selection.name if selection.words else suite


def shown(frame: pd.DataFrame, selection: Selection, names: Sequence[str] = ()) -> pd.DataFrame:
    """Return the rows of selected cells; ``names``: other names that may occur as a variant."""
    variants = frame["variant"].isin([*selection.variants, *names])
    return frame[variants & frame["seed"].isin(selection.seeds)]


def claimed(verdicts: Sequence[Verdict], selection: Selection) -> list[Verdict]:
    """Return the verdicts on claims whose variants are all selected."""
    return [each for each in verdicts if selection.variants.issuperset(each.claim.variants)]


def scope_of(plan: Mapping[str, Any], selection: Selection) -> list[str]:
    """Return sentences on what the command line set and on what is shown; none for an unchanged and
    whole suite."""
    told = []
    if changes := plan.get("set"):
        fields = ", ".join(f"{field}: {_text(value)}" for field, value in changes.items())
        told.append(f"Set on the command line, in all runs: {fields}.")
    if selection.words:
        variants, seeds = ({cell[of] for cell in plan["cells"]} for of in ("variant", "seed"))
        told.append(
            f"Part of the suite ({selection}): {len(selection.variants)} of {len(variants)} "
            f"variants, {len(selection.seeds)} of {len(seeds)} seeds. Verdicts are for the whole "
            "suite, with all its seeds; those on other variants are not shown."
        )
    return told


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)

"""How much of a suite a report shows, and the sentences that say so."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from benchmark.suite.selection import Selection


def shown(frame: pd.DataFrame, selection: Selection, names: Sequence[str] = ()) -> pd.DataFrame:
    """Return the rows of selected cells; ``names``: other names that may occur as a variant."""
    variants = frame["variant"].isin([*selection.variants, *names])
    return frame[variants & frame["seed"].isin(selection.seeds)]


def scope_of(plan: Mapping[str, Any], selection: Selection) -> list[str]:
    """Return sentences on what the command line set and on what is shown; none for an unchanged and
    whole suite."""
    told = []
    if changes := plan.get("set"):
        texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in changes.items()}
        fields = ", ".join(f"{field}: {text}" for field, text in texts.items())
        told.append(f"Set on the command line, in all runs: {fields}.")
    if selection.words:
        variants, seeds = ({cell[of] for cell in plan["cells"]} for of in ("variant", "seed"))
        told.append(
            f"Part of the suite ({selection}): {len(selection.variants)} of {len(variants)} "
            f"variants, {len(selection.seeds)} of {len(seeds)} seeds. Verdicts are for the whole "
            "suite, with all its seeds; those on other variants are not shown."
        )
    return told

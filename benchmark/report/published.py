"""Published numbers next to measured ones."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from benchmark.paper import departures, published_for
from benchmark.report.verdicts import Verdict, samples_of
from benchmark.status import LOST, Status
from benchmark.suite.claims import PublishedClaim


def published_table(verdicts: Sequence[Verdict], runs: pd.DataFrame) -> pd.DataFrame:
    """Return a row per published number that a claim names, however few the runs.

    ``measured`` is the value that the claim was judged by or, without a test, the mean; it is empty
    if a run was lost, which a mean would hide, or if there are too few runs for a best of several.
    """
    rows = []
    for verdict in verdicts:
        claim, finding = verdict.claim, verdict.finding
        if not isinstance(claim, PublishedClaim):
            continue
        number = claim.number
        sample = pd.Series(samples_of(claim, runs)[0].known(), dtype=float)
        own = runs[runs["variant"] == claim.compared[0]]
        diverged = int((own["status"] == Status.DIVERGED).sum())
        lost = int(own["status"].isin(LOST).sum())
        measured = number.value + finding.effect if finding else float(sample.mean())
        if lost or (not finding and number.is_best):
            measured = math.nan
        rows.append(
            {
                "published number": number.key,
                "of": claim.compared[0],
                "published": number.value,
                "sd": number.sd,
                "selection": number.selection,
                "trained on": number.trained_on or "not stated",
                "view": number.view,
                "measured": measured,
                "sd of ours": math.nan if lost else sample.std(ddof=1),
                "runs": len(sample) + lost,
                "diverged": diverged,
                "verdict": verdict.words,
            }
        )
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    numbers = ["published", "sd", "measured", "sd of ours"]
    return frame.astype(dict.fromkeys(numbers, float))


def published_levels(specs: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return the published error or average precision of each variant that was trained and scored
    as in the paper. ``specs``: variant -> spec as plain data."""
    found = {name: published_for(spec) for name, spec in specs.items() if not departures(spec)}
    return {name: number.value for name, number in found.items() if number}


_COLUMNS = [
    *("published number", "of", "published", "sd", "selection", "trained on", "view"),
    *("measured", "sd of ours", "runs", "diverged", "verdict"),
]

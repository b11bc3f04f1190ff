"""What each look of a suite with several looks decided, and what it cost."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from benchmark.report.undecided import undecided
from benchmark.report.verdicts import Verdict
from benchmark.status import ENDED
from benchmark.suite.claims.planning import expected_runs, prospects
from benchmark.suite.looks import Looks


def look_tables(
    verdicts: Sequence[Verdict],
    runs: pd.DataFrame,
    specs: Mapping[str, Mapping[str, Any]],
    looks: Looks,
) -> dict[str, pd.DataFrame]:
    """Return two tables. ``looks``: a row per look, with what it decided, which variants are left
    out from then on, the number of runs up to and including it, and the number expected beforehand.
    ``look_tests``: a row per claim and look, until one decided.

    ``verdicts``: for all claims of the suite; ``specs``: variant -> spec as plain data.
    """
    found = prospects([each.claim for each in verdicts], looks.looks[-1], specs, looks)
    expected = expected_runs(found, looks, specs)
    trained = runs[runs["status"].isin(ENDED)]
    rows: list[dict[str, Any]] = []
    left_out: set[str] = set()
    for number, planned in zip(looks.looks, expected, strict=True):
        decided = [
            f"{each.outcome}: {each.claim.statement}"
            for each in verdicts
            if each.decided_at == number
        ]
        out = set(specs) - undecided(verdicts, specs, number)
        later = number < looks.looks[-1]
        rows.append(
            {
                "seeds": f"{number}",
                "decided": " ".join(decided) or None,
                "undecided": sum((each.decided_at or number + 1) > number for each in verdicts),
                "left out": ", ".join(v for v in specs if v in out - left_out and later) or None,
                "runs": int(trained["seed"].isin(looks.seeds[:number]).sum()),
                "expected": planned,
            }
        )
        left_out |= out
    tests = [
        {
            "claim": verdict.claim.statement,
            "seeds": f"{look.runs}",
            "p": look.finding.p if look.finding else None,
            "p against": look.finding.p_against if look.finding else None,
            "so": look.outcome,
        }
        for verdict in verdicts
        for look in verdict.looks
    ]
    return {
        "looks": pd.DataFrame(rows),
        "look_tests": pd.DataFrame(tests, columns=["claim", "seeds", "p", "p against", "so"]),
    }

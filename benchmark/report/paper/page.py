"""Writing of the page: ``paper.md`` and ``paper.html``, with its figures."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.paper import FIRST, PAPERS, Paper
from benchmark.records.files import write_text
from benchmark.records.store import Store
from benchmark.report.figures.drawn import Drawn
from benchmark.report.figures.style import keep
from benchmark.report.pages import Table, template
from benchmark.report.paper.costs import recorded_rates
from benchmark.report.paper.evidence import Evidence, gather
from benchmark.report.paper.figures import figures_of
from benchmark.report.paper.locations import BEYOND, Place
from benchmark.report.paper.rows import PRELIMINARY, Row, counts, rows, short_counts
from benchmark.suite.claims import PublishedClaim
from benchmark.suite.claims.outcomes import (
    CONSISTENT,
    INCONCLUSIVE,
    NOT_COMPARABLE,
    NOT_REPRODUCED,
    NOT_RUN,
    REPRODUCED,
)

_ORDER = (
    REPRODUCED,
    CONSISTENT,
    NOT_REPRODUCED,
    INCONCLUSIVE,
    NOT_COMPARABLE,
    PRELIMINARY,
    NOT_RUN,
)


@dataclass(frozen=True)
class Page:
    """The files that were written, and counts of claims."""

    files: list[Path]
    of_paper: dict[str, int]
    """Verdict -> number of the paper's claims in the paper's form."""
    beyond: dict[str, int]
    """Verdict -> number of claims beyond the paper."""
    shortened: dict[str, int]
    """Outcome at shortened schedules -> number of the paper's claims."""
    shortened_beyond: dict[str, int]
    """The same of claims beyond the paper."""


def write_paper(suites: Path, store: Store, out: Path, of: str = FIRST) -> Page:
    """Write the page on a paper: all evidence in a results folder on the claims of the suites that
    follow it."""
    paper = PAPERS[of]
    evidence, known = list(gather(suites, store, paper)), recorded_rates(store)
    found = rows(evidence, known)
    own = [row for row in found if row.place != BEYOND]
    further = [row for row in found if row.place == BEYOND]
    page = Page([], counts(own), counts(further), short_counts(own), short_counts(further))
    facts = {
        "of_paper": _ordered(page.of_paper),
        "beyond": _ordered(page.beyond),
        "shortened": page.shortened,
        "shortened_beyond": page.shortened_beyond,
        "machines": known.machines,
        "runs": len({run for each in evidence for run in each.done}),
        "sections": _sections(found, evidence, out),
        "unclaimed": _unclaimed(evidence, paper),
        "paper": paper,
        "first": of == FIRST,
    }
    for name in ("paper.md", "paper.html"):
        write_text(out / name, template(f"{name}.j2").render(facts).rstrip() + "\n")
        page.files.append(out / name)
    return page


def _ordered(told: dict[str, int]) -> dict[str, int]:
    return {verdict: told[verdict] for verdict in _ORDER if verdict in told}


def _sections(
    found: Sequence[Row], evidence: Sequence[Evidence], out: Path
) -> list[dict[str, Any]]:
    """Return a section for each table, figure and section of the paper that a claim or suite is
    about."""
    places = {row.place for row in found} | {each.place for each in evidence if each.done}
    for old in (out / "figures").glob("*.*"):
        old.unlink()
    return [
        {
            "title": str(place),
            "table": Table(_frame([row for row in found if row.place == place])),
            "suites": [_told(e, out) for e in evidence if e.place == place],
            "figures": _drawn(place, evidence, out / "figures"),
        }
        for place in sorted(places, key=lambda place: place.order)
    ]


def _frame(some: Sequence[Row]) -> pd.DataFrame:
    told = [
        {
            "claim": row.claim,
            "the paper": row.paper,
            "measured": row.measured or "–",
            "verdict": f"{row.verdict} ({row.why})" if row.why else row.verdict,
            "at a shortened schedule": "; ".join(row.shortened) or "–",
            "others measured": row.others or "–",
            "suite": row.suite.name,
        }
        for row in some
    ]
    return pd.DataFrame(told)


def _told(own: Evidence, out: Path) -> dict[str, Any]:
    """Return a suite's entry under the title of its place, with a link to its report."""
    link = Path(os.path.relpath(own.report, out)).as_posix() if own.report else None
    total = len(own.loaded.plan.runs())
    return {
        "name": own.name,
        "link": link,
        "source": own.loaded.suite.source,
        "runs": f"{len(own.done)} of {total} runs",
        "shortened": own.shortened,
    }


def _drawn(place: Place, evidence: Sequence[Evidence], folder: Path) -> list[Drawn]:
    drawn = []
    for own in (e for e in evidence if e.place == place and e.loaded.suite.claims):
        for name, caption, figure in figures_of(own):
            file = f"{place.anchor}-{own.name}-{name}"
            drawn.append(Drawn(caption, *keep(figure, folder, file)))
    return drawn


def _unclaimed(evidence: Sequence[Evidence], paper: Paper) -> dict[str, list[str]]:
    """Return table -> the paper's own numbers there that no suite has a claim about; sizes of nets
    are arithmetic, checked by ``resnet-bench prove audit``."""
    claims = [claim for each in evidence for claim in each.loaded.suite.claims]
    claimed = {claim.published for claim in claims if isinstance(claim, PublishedClaim)}
    found: dict[str, list[str]] = {}
    for key, number in sorted(paper.published.items(), key=lambda item: item[1].table or 0):
        if key not in claimed and number.unit != "count" and not number.cited:
            table = found.setdefault(f"Table {number.table}", [])
            table.append(f"{number.row} {number.column} {number.value:g}")
    return found

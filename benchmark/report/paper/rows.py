"""The page's rows, one per claim."""

import math
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from benchmark.paper import Number, Reproduced
from benchmark.report.paper.costs import Recorded, cost_text
from benchmark.report.paper.evidence import Evidence
from benchmark.report.paper.locations import BEYOND, Place, place_of
from benchmark.report.verdicts import Verdict, samples_of
from benchmark.statistics.student import quantile
from benchmark.suite import Claim
from benchmark.suite.claims import PublishedClaim, Sample
from benchmark.suite.claims.outcomes import INCONCLUSIVE, NOT_REPRODUCED, NOT_RUN, REPRODUCED
from benchmark.suite.claims.published import VIEWS

PRELIMINARY, SHORT_ALONE = "preliminary", "–"
"""Outcomes in addition to the verdicts. The last: no suite states the claim in the paper's form."""

HOLDS, AGAINST, UNDECIDED = "holds", "does not hold", "undecided"
"""Outcomes of a claim at a shortened schedule."""


@dataclass(frozen=True)
class Row:
    """A claim."""

    place: Place
    claim: str
    paper: str
    """What the paper says."""
    measured: str
    verdict: str
    why: str
    """The test's numbers and, if the claim is undecided, the cost of the remaining runs,
    with those whose weights they start from."""
    shortened: tuple[str, ...]
    """Texts of the results at shortened schedules."""
    held: tuple[str, ...]
    """Outcomes at shortened schedules, longest first."""
    others: str
    """What others measured."""
    suite: Evidence


def rows(evidence: Sequence[Evidence], known: Recorded) -> list[Row]:
    """Return a row per claim of the suites in the paper's form. Claims at shortened schedules with
    the same statement are added to its row; others get their own rows."""
    found: list[Row] = []
    for each in (e for e in evidence if not e.shortened):
        claims = zip(each.loaded.suite.claims, each.verdicts, strict=True)
        found += [_row(each, claim, verdict, known) for claim, verdict in claims]
    for each in sorted((e for e in evidence if e.shortened), key=lambda e: -e.share):
        for claim, verdict in zip(each.loaded.suite.claims, each.verdicts, strict=True):
            found = _with_shortened(found, each, claim, verdict)
    # Within a place its own suite comes first; otherwise the suites' order is kept.
    return sorted(found, key=lambda row: (row.place.order, row.place != row.suite.place))


def _row(own: Evidence, claim: Claim, verdict: Verdict | None, known: Recorded) -> Row:
    outcome = outcome_of(own, claim, verdict)
    open_ = outcome in (NOT_RUN, PRELIMINARY, INCONCLUSIVE)
    cost = cost_text(own.to_train(claim.variants), known) if open_ else ""
    told = _tested(verdict) if outcome != NOT_RUN else ""
    return Row(
        place=place_of(claim, own.source),
        claim=claim.statement,
        paper=_paper(own, claim),
        measured=measured(own, claim),
        verdict=outcome,
        why="; ".join(filter(None, [told, f"to run: {cost}" if cost else ""])),
        shortened=(),
        held=(),
        others=_others(own, claim),
        suite=own,
    )


def outcome_of(own: Evidence, claim: Claim, verdict: Verdict | None) -> str:
    """Return the verdict, ``not run`` if no run of one of the variants has ended, or
    ``preliminary`` if not all have."""
    if verdict is None or verdict.not_run:
        return NOT_RUN
    left = verdict.decided_at is None and own.left(claim.variants)
    return PRELIMINARY if left or verdict.preliminary else verdict.verdict


def measured(own: Evidence, claim: Claim) -> str:
    """Return mean, sd, 95 % confidence interval of the mean, and n for each side of a claim; of a
    claim about several iterations, after the first and the last."""
    columns = list(dict.fromkeys([claim.columns[0], claim.columns[-1]]))
    told = []
    for column in columns:
        when = f" after {int(column.partition('@')[2]):,}" if len(columns) > 1 else ""
        each = zip(claim.compared, samples_in(own, claim, column), strict=True)
        told += [f"{name}{when}: {summary(sample)}" for name, sample in each if sample.values]
    return "; ".join(told)


def summary(sample: Sample) -> str:
    """Return a sample's summary: ``8.70 ± 0.15 (8.51 to 8.89, n = 4), 1 lost``."""
    values, lost = sample.known(), f"{sample.lost} lost" if sample.lost else ""
    n = len(values)
    told = ""
    if n == 1:
        told = f"{values[0]:.2f} (n = 1)"
    elif n:
        mean, sd = statistics.fmean(values), statistics.stdev(values)
        half = float(quantile(0.975, n - 1)) * sd / math.sqrt(n)
        told = f"{mean:.2f} ± {sd:.2f} ({mean - half:.2f} to {mean + half:.2f}, n = {n})"
    return ", ".join(filter(None, [told, lost]))


def samples_in(own: Evidence, claim: Claim, column: str | None = None) -> list[Sample]:
    """Return the values for each side of a claim, from its first or another one of its columns."""
    if own.frames is None:
        return [Sample((), ()) for _ in claim.compared]
    return samples_of(claim, own.samples, column)


def _tested(verdict: Verdict | None) -> str:
    """Return the p value and, for a published number, the difference that it is about."""
    if verdict is None or verdict.finding is None:
        return ""
    found = verdict.finding
    side, p = ("for it", found.p) if found.p <= found.p_against else ("against it", found.p_against)
    decided = verdict.decided_at
    told = f"{side} p = {p:.2g}" + (f", by {decided} runs of each" if decided else "")
    if not isinstance(verdict.claim, PublishedClaim):
        return told
    low, high = found.interval
    difference = f"{found.effect:+.2f} ({low:+.2f} to {high:+.2f}, {found.percent})"
    return f"difference {difference}, margin {verdict.claim.margin:g}, {told}"


def _with_shortened(
    found: list[Row], own: Evidence, claim: Claim, verdict: Verdict | None
) -> list[Row]:
    told = [row for row in found if row.claim == claim.statement]
    same = sorted(
        (row for row in told if row.suite.source == own.source or row.verdict != SHORT_ALONE),
        key=lambda row: row.suite.source != own.source,
    )
    if not same:
        alone = Row(
            place=place_of(claim, own.source),
            claim=claim.statement,
            paper=_paper(own, claim),
            measured="",
            verdict=SHORT_ALONE,
            why="",
            shortened=(),
            held=(),
            others=_others(own, claim),
            suite=own,
        )
        found, same = [*found, alone], [alone]
    first, *others = same
    outcome, text = _short_text(own, claim, verdict, _nets(first.suite))
    # All rows of the claim tell it, and one counts it.
    new = {id(row): replace(row, shortened=(*row.shortened, text)) for row in others}
    new[id(first)] = replace(first, shortened=(*first.shortened, text), held=(*first.held, outcome))
    return [new.get(id(each), each) for each in found]


def _nets(own: Evidence) -> list[str]:
    """Return the titles of a suite's nets."""
    titles = (title for cell in own.loaded.plan.cells for title in cell.spec.model.titles[:1])
    return list(dict.fromkeys(titles))


def _short_text(
    own: Evidence, claim: Claim, verdict: Verdict | None, nets: Sequence[str]
) -> tuple[str, str]:
    """Return outcome and text; ``nets``: the nets in the paper's form, if others are named."""
    outcome = outcome_of(own, claim, verdict)
    others = [name for name in _nets(own) if name not in nets]
    where = ", ".join([own.name, *others, own.shortened])
    if outcome in (NOT_RUN, PRELIMINARY) or verdict is None or verdict.finding is None:
        outcome = NOT_RUN if outcome == NOT_RUN else PRELIMINARY
        return outcome, f"{where}: {outcome}"
    held = {REPRODUCED: HOLDS, NOT_REPRODUCED: AGAINST}.get(verdict.outcome, UNDECIDED)
    return held, f"{where}: {held}, {_tested(verdict)}; {measured(own, claim)}"


def _paper(own: Evidence, claim: Claim) -> str:
    """Return the published number and how it was selected; for other claims the published numbers
    of the variants, if the paper's table has them all."""
    if isinstance(claim, PublishedClaim):
        return f"{_value(claim.number)} ({claim.number.selection})"
    fields = claim.model_dump()
    direction, bound, difference = map(fields.get, ("direction", "bound", "difference"))
    if bound is not None:
        stated = re.search(rf"(?<![\w.-]){re.escape(f'{bound:g}')}(?![\w.])", claim.statement)
        whose = "" if stated else " (the suite's bound)"
        return f"{direction or 'higher'} than {bound:g}{whose}"
    place = place_of(claim, own.source)
    specs = {cell.variant: cell.spec for cell in own.cells(claim.variants)}
    there = [
        number
        for number in own.paper.published.values()
        if place == Place("Table", str(number.table)) and number.column == claim.metric
    ]
    each = [[n for n in there if n.row in specs[name].model.titles] for name in claim.variants]
    if all(each):
        return ", ".join(f"{numbers[0].row} {_value(numbers[0])}" for numbers in each)
    return f"{direction or ''}" + (f" by {difference:g}" if difference else "")


def _value(number: Number) -> str:
    return f"{number.value:g}" + (f" ± {number.sd:g}" if number.sd is not None else "")


def _others(own: Evidence, claim: Claim) -> str:
    """Return what later reproductions report for the claim's nets on the same images, seen the same
    way; nothing for ensembles, and for what the paper does not ask, where the nets are trained
    otherwise."""
    if place_of(claim, own.source) == BEYOND or claim.compared != claim.variants:
        return ""
    published = claim.number if isinstance(claim, PublishedClaim) else None
    specs = {cell.variant: cell.spec for cell in own.cells(claim.variants)}
    names = {published.row} if published else set()
    names |= {name for spec in specs.values() for name in spec.model.titles}
    images = {_IMAGES.get(name := spec.dataset.name, name) for spec in specs.values()}
    told: dict[str, list[str]] = {}
    for number in own.paper.reproductions:
        same = number.column.removeprefix("best_") == claim.metric.removeprefix("best_")
        seen = claim.protocol is None or claim.protocol.startswith(_SEEN.get(number.view, ()))
        if same and seen and number.row in names and number.dataset in images:
            source = told.setdefault(_source(number), [])
            source.append(f"{number.row} {_value(number)}")
    return "; ".join(f"{', '.join(numbers)} ({source})" for source, numbers in told.items())


_IMAGES = {"imagenet2012": "imagenet", "voc0712": "voc2007"}
"""Data set -> its name in reported numbers."""


_SEEN = VIEWS | {"centre crop": ("center-crop-",)}
"""View of a reported number -> how its protocol's name starts."""


def _source(number: Reproduced) -> str:
    """Return who reported a number, how it was selected, and the number of departures."""
    epoch = {"best": ", best epoch", "last": ""}.get(number.epoch, ", epoch not stated")
    n = len(number.departures)
    departing = f", {n} departure{'s' if n > 1 else ''}" if n else ""
    return f"{number.source}, {number.selection}{epoch}{departing}"


def counts(found: Iterable[Row]) -> dict[str, int]:
    """Return verdict -> number of claims in the paper's form."""
    return Counter(row.verdict for row in found if row.verdict != SHORT_ALONE)


def short_counts(found: Iterable[Row]) -> dict[str, int]:
    """Return outcome -> number of claims at shortened schedules. Each claim counts with its longest
    schedule that was run, regardless of shorter ones."""
    run = ([held for held in row.held if held != NOT_RUN] for row in found if row.held)
    return Counter(outcomes[0] if outcomes else NOT_RUN for outcomes in run)

"""What a suite's claims have come to: each is judged by a stated test, or said not to be
comparable with the paper."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from benchmark.paper import PUBLISHED, departures, told
from benchmark.records.store import DONE
from benchmark.report import statistics
from benchmark.report.attainable import ALPHA
from benchmark.report.statistics import Finding
from benchmark.suite.claim import Claim

REPRODUCED, NOT_REPRODUCED = "reproduced", "not reproduced"
INCONCLUSIVE, NOT_COMPARABLE = "inconclusive", "not comparable"

_HIDDEN = {
    ("imagenet", "test"): "the images are ImageNet's validation set, not its test server's",
    ("coco2014", "test-dev"): "the images are COCO's validation set, not its test server's",
    ("voc2012", "test"): "the images are not those of VOC 2012's test server",
}
"""Data set and split of published numbers -> that nobody else has its labels."""


@dataclass(frozen=True)
class Verdict:
    """How a claim stands."""

    claim: Claim
    verdict: str
    sentence: str
    finding: Finding | None = None
    """None where there were too few runs for a test. Its p values are adjusted for the family."""
    departures: tuple[str, ...] = ()
    """Where the runs depart from the paper's protocol, apart from what the claim compares."""


def judge(claims: Sequence[Claim], runs: pd.DataFrame, specs: Mapping[str, Any]) -> list[Verdict]:
    """A verdict for each claim, in their order.

    ``runs``: as ``load_runs`` gives them, of one suite; ``specs``: variant -> spec as plain data.
    Directions and trends, but not those of a stated amount, are one family, and corrected as such
    (Holm).
    """
    level = ALPHA / max(1, sum(claim.is_of_order for claim in claims))
    found = [_finding(claim, runs, specs, level) for claim in claims]
    family = [i for i, claim in enumerate(claims) if found[i] and claim.is_of_order]
    for name in ("p", "p_against"):
        adjusted = statistics.holm([getattr(found[i], name) for i in family])
        for i, p in zip(family, adjusted, strict=True):
            found[i] = replace(found[i], **{name: p})  # type: ignore[type-var]
    return [
        _verdict(claim, finding, runs, specs) for claim, finding in zip(claims, found, strict=True)
    ]


def _finding(
    claim: Claim, runs: pd.DataFrame, specs: Mapping[str, Any], level: float
) -> Finding | None:
    """``level``: that of a direction or trend, with its family as large as it is.

    A claim on several iterations is supported where it is at each of them, and so as little as at
    that one where it is least (an intersection-union test); it is refuted where it is at any, the
    p value being corrected for their number.
    """
    each = [samples_of(claim, runs, column) for column in claim.columns]
    few = min(len(sample) for samples in each for sample in samples) < _needed(claim, specs)
    if few or _without_value(claim, runs) or _all_lost(claim, each[0]):
        return None
    found = [_tested(claim, samples, specs, level) for samples in each]
    against = min(1.0, len(found) * min(finding.p_against for finding in found))
    return replace(max(found, key=lambda finding: finding.p), p_against=against)


def _tested(
    claim: Claim, samples: Sequence[Sequence[float]], specs: Mapping[str, Any], level: float
) -> Finding:
    if claim.published:
        number = PUBLISHED[claim.published]
        if _is_as_published(claim, specs):
            return statistics.difference(samples[0][0], number.value, claim.margin)
        if number.best_of:
            return statistics.consistency_of_best(
                samples[0], number.value, number.n or 1, claim.margin
            )
        if number.sd is not None and number.n:
            return statistics.equivalence(
                samples[0], number.value, number.sd, number.n, claim.margin
            )
        return statistics.consistency(samples[0], number.value, claim.margin)
    if claim.trend:
        rising = claim.direction == "higher"
        return statistics.rising(samples if rising else samples[::-1], claim.margin, level)
    if claim.than is not None:
        higher = claim.direction == "higher"
        return statistics.beyond(samples[0], claim.than, higher, claim.margin)
    ours, other = samples
    if claim.direction == "equal":
        return statistics.equivalence_of_samples(ours, other, claim.margin)
    if claim.by is not None:
        return statistics.equivalence_of_difference(ours, other, _stated(claim), claim.margin)
    if claim.direction == "higher":
        ours, other = other, ours
    return statistics.lower(ours, other, claim.margin, level)


def _stated(claim: Claim) -> float:
    """The difference that a claim expects, in points."""
    return math.copysign(claim.by or 0.0, -1 if claim.direction == "lower" else 1)


def _needed(claim: Claim, specs: Mapping[str, Any]) -> int:
    """Runs of each that the claim compares."""
    if _is_as_published(claim, specs):
        return 1
    number = PUBLISHED.get(claim.published or "")
    best_of = number.best_of if number else None
    return max(2, claim.least_seeds, best_of or 1)


def _is_as_published(claim: Claim, specs: Mapping[str, Any]) -> bool:
    """Whether a published number is compared with a net of published weights, which, unlike those
    of a run, no seed makes others."""
    begun = specs[claim.variant]["pretrained"] if claim.published and claim.variant else None
    return bool(begun and begun["mode"] == "as-published" and begun["source"] != "run")


def _without_value(claim: Claim, runs: pd.DataFrame) -> int:
    """Runs that diverged, where the metric has no worst value for them."""
    diverged = runs["variant"].isin(claim.variants) & (runs["status"] == "diverged")
    return int(diverged.sum()) if claim.measure.worst is None else 0


def _all_lost(claim: Claim, samples: Sequence[Sequence[float]]) -> bool:
    """Whether variants are to be equal, or as far apart as stated, that have nothing but the worst
    value there is."""
    worst = claim.measure.worst
    compared = claim.direction == "equal" or claim.by is not None
    return compared and all(value == worst for sample in samples for value in sample)


def samples_of(claim: Claim, runs: pd.DataFrame, column: str | None = None) -> list[list[float]]:
    """The values that a claim is judged by, of each that it compares; ``column``: the first of the
    claim's."""
    column = column or claim.columns[0]
    return [_sample(runs, variant, claim, column) for variant in claim.compared]


def _sample(runs: pd.DataFrame, variant: str, claim: Claim, column: str) -> list[float]:
    """The metric of each run that has ended by itself, and was tested as the claim asks for."""
    chosen = runs[(runs["variant"] == variant) & runs["status"].isin(DONE)]
    values = pd.to_numeric(chosen.reindex(columns=[column])[column], errors="coerce")
    if claim.measure.worst is not None:
        values = values.where(chosen["status"] != "diverged", claim.measure.worst)
    return [float(value) for value in values if not math.isnan(value)]


def _verdict(
    claim: Claim, finding: Finding | None, runs: pd.DataFrame, specs: Mapping[str, Any]
) -> Verdict:
    found = tuple(_departures(claim, specs))
    if finding is None:
        samples = zip(claim.compared, samples_of(claim, runs), strict=True)
        counts = ", ".join(f"{name}: {len(sample)}" for name, sample in samples)
        needed = _needed(claim, specs)
        outcome, sentence = INCONCLUSIVE, f"Too few runs ({counts}); the claim asks for {needed}."
        if lost := _without_value(claim, runs):
            sentence = f"{lost} of the runs diverged, and so have no such value."
        elif min(map(len, samples_of(claim, runs))) >= needed:
            sentence = "All runs diverged, so there is nothing to compare."
    else:
        outcome = REPRODUCED if finding.p <= ALPHA else INCONCLUSIVE
        outcome = INCONCLUSIVE if not finding.in_order else outcome
        outcome = NOT_REPRODUCED if finding.p_against <= ALPHA else outcome
        sentence = _sentence(claim, finding, outcome)
    if found:
        if finding:
            sentence = f"As the runs stand: {sentence[0].lower()}{sentence[1:]}"
        return Verdict(claim, NOT_COMPARABLE, f"{_told(found)}. {sentence}", finding, found)
    return Verdict(claim, outcome, sentence, finding)


_FEW = 2
"""Departures that are told one by one; the report has a list of all."""


def _told(found: Sequence[str]) -> str:
    count = f"{len(found)} departure{'s' if len(found) > 1 else ''} from the paper's protocol"
    return f"{count}: {'; '.join(found)}" if len(found) <= _FEW else count


def _departures(claim: Claim, specs: Mapping[str, Any]) -> list[str]:
    """Those in fields in which every variant that the claim names departs, be it in other values.
    A field in which one variant alone departs is what the claim compares, as long as there is a
    variant that departs in nothing else; but each of an ensemble's counts. On top of them, that the
    published number is of images whose labels nobody else has."""
    each = [departures(specs[variant]) for variant in claim.variants]
    fields = [{found.field for found in of_one} for of_one in each]
    compared: set[str] = set()
    if not claim.ensemble:
        common = set.intersection(*fields)
        if any(common.issuperset(of_one) for of_one in fields):
            compared = set.union(*fields) - common
    own = tuple(f"{field}." for field in claim.departs_in)
    found = [
        told(departure)
        for departure in dict.fromkeys(itertools.chain(*each))
        if departure.field not in compared and not f"{departure.field}.".startswith(own)
    ]
    number = PUBLISHED.get(claim.published or "")
    hidden = _HIDDEN.get((number.dataset, number.split)) if number else None
    return [*found, hidden] if hidden else found


def _sentence(claim: Claim, finding: Finding, outcome: str) -> str:
    low, high = finding.interval
    if claim.is_of_order:
        when = f" after {' and '.join(f'{i:,}' for i in claim.at)} iterations" if claim.at else ""
        least = ", where it is least," if claim.at and len(claim.at) > 1 else ""
        what = f"In a pair of runs the claim holds{when}{least} with probability"
        p = finding.p_against if outcome == NOT_REPRODUCED else finding.p
        side = "against it" if outcome == NOT_REPRODUCED else "for it"
        but = "" if finding.in_order else ", but the means do not stand in that order"
        return f"{what} {finding.effect:.2f} ({low:.2f} to {high:.2f}); {side} p = {p:.3g}{but}."
    if claim.than is not None:
        where = "on both sides of"
        if outcome != INCONCLUSIVE:
            where = "above" if low > claim.than else "below"
        interval = f"its 90 % interval, {low:.2f} to {high:.2f}, lies {where} {claim.than:g}"
        return f"The mean is {finding.effect:.2f}; {interval}."
    what = f"the difference is {finding.effect:+.2f} points"
    if finding.test == statistics.NO_CHANCE:
        side = "within" if outcome == REPRODUCED else "beyond"
        return f"{what[0].upper()}{what[1:]}, {side} the margin of {claim.margin:g}."
    interval = f"its 90 % interval, {low:+.2f} to {high:+.2f},"
    where = {
        REPRODUCED: "lies within",
        NOT_REPRODUCED: "lies beyond",
        INCONCLUSIVE: "reaches across",
    }[outcome]
    single = claim.published and PUBLISHED[claim.published].n == 1
    tail = ", so it is consistent with the one published run" if single else ""
    tail = tail if outcome == REPRODUCED else ""
    margin = f"the margin of {claim.margin:g}"
    if claim.by is not None:
        margin += f" around the stated {_stated(claim):+g}"
    return f"{what[0].upper()}{what[1:]}; {interval} {where} {margin}{tail}."


def verdict_table(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """A row a claim, for people."""
    return pd.DataFrame(
        [{"claim": v.claim.statement, "verdict": v.verdict, "why": v.sentence} for v in verdicts],
        columns=["claim", "verdict", "why"],
    )


def finding_table(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """A row a claim that was tested: how, on how many runs, and what was found."""
    return pd.DataFrame(
        [
            {
                "claim": verdict.claim.statement,
                "test": finding.test,
                "runs": "/".join(map(str, finding.n)),
                "effect": finding.effect,
                "interval": "{:.2f} to {:.2f}".format(*finding.interval),
                "p": finding.p,
                "p against": finding.p_against,
                "power": finding.power,
            }
            for verdict in verdicts
            if (finding := verdict.finding)
        ],
        columns=["claim", "test", "runs", "effect", "interval", "p", "p against", "power"],
    )

"""What a suite's claims have come to: each is judged by its own test, or said not to be comparable
with the paper."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from benchmark.paper import departures, section, told
from benchmark.statistics.finding import ALPHA, Finding, corrected
from benchmark.status import ENDED, LOST, Status
from benchmark.suite.claims import Claim, PublishedClaim, Sample, Setting
from benchmark.suite.claims.family import (
    family_sizes,
    nets_as_published,
    of_published_weights,
    pairs_in,
)
from benchmark.suite.claims.outcomes import (
    INCONCLUSIVE,
    NOT_COMPARABLE,
    NOT_REPRODUCED,
    REPRODUCED,
)

_HIDDEN = {
    ("imagenet", "test"): "the images are ImageNet's validation set, not its test server's",
    ("coco2014", "test-dev"): "the images are COCO's validation set, not its test server's",
    ("voc2012", "test"): "the images are not those of VOC 2012's test server",
}
"""Data set and split of published numbers -> that nobody else has its labels."""

_UNKNOWN = "the paper says nothing of this data set"


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
    preliminary: bool = False
    """Whether runs that the suite plans are still to come. Whoever looks at each new run, and stops
    when it suits, is wrong more often than the level says."""

    @property
    def words(self) -> str:
        """The verdict as it may be shown."""
        return f"{self.verdict} (preliminary)" if self.preliminary else self.verdict


def judge(claims: Sequence[Claim], runs: pd.DataFrame, specs: Mapping[str, Any]) -> list[Verdict]:
    """A verdict for each claim, in their order.

    ``runs``: as ``load_runs`` gives them, of one suite, planned ones included; ``specs``: variant
    -> spec as plain data. Claims that ask the same question are a family, and corrected as such.
    """
    as_published = nets_as_published(specs)
    sizes = family_sizes(claims, as_published)
    return [
        _judged(claim, runs, specs, size, of_published_weights(claim, as_published))
        for claim, size in zip(claims, sizes, strict=True)
    ]


def _judged(
    claim: Claim,
    runs: pd.DataFrame,
    specs: Mapping[str, Any],
    size: int,
    as_published: bool,
) -> Verdict:
    setting = Setting(ALPHA / size, pairs_in(claim, specs), as_published)
    needed = 1 if as_published else claim.needed
    each = [_samples(claim, runs, column) for column in claim.columns]
    finding = None
    if min(len(sample.values) for samples in each for sample in samples) >= needed:
        finding = _adjusted([claim.found(samples, setting) for samples in each], size)
    outcome, sentence = INCONCLUSIVE, ""
    if finding is None:
        counts = zip(claim.compared, each[0], strict=True)
        text = ", ".join(f"{name}: {len(sample.values)}" for name, sample in counts)
        sentence = f"Too few runs ({text}); the claim asks for {needed}."
    else:
        if finding.p <= ALPHA:
            outcome = REPRODUCED
        elif finding.p_against <= ALPHA:
            outcome = NOT_REPRODUCED
        sentence = claim.sentence(finding, outcome)
        if finding.lost:
            runs_were = "run was" if finding.lost == 1 else "runs were"
            sentence += f" {finding.lost} {runs_were} lost, and counted against the claim."
    preliminary = _is_preliminary(claim, runs, each)
    found = tuple(_departures(claim, specs))
    if not found:
        return Verdict(claim, outcome, sentence, finding, (), preliminary)
    if finding:
        sentence = f"As the runs stand: {sentence[0].lower()}{sentence[1:]}"
    sentence = f"{_told(found)}. {sentence}"
    return Verdict(claim, NOT_COMPARABLE, sentence, finding, found, preliminary)


def _adjusted(found: Sequence[Finding], size: int) -> Finding:
    """A claim on several iterations is supported where it is at each of them, and so as little as
    at that one where it is least (an intersection-union test); it is refuted where it is at any,
    the p value being corrected for their number."""
    least = max(found, key=lambda finding: finding.p)
    against = min(1.0, len(found) * min(finding.p_against for finding in found))
    if least.power == 1 and least.p in (0.0, 1.0) and size == 1:
        return least
    return replace(least, p=corrected(least.p, size), p_against=corrected(against, size))


def samples_of(claim: Claim, runs: pd.DataFrame) -> list[list[float]]:
    """The values that a claim is judged by, of each that it compares; lost runs have none."""
    return [sample.known() for sample in _samples(claim, runs, claim.columns[0])]


def _samples(claim: Claim, runs: pd.DataFrame, column: str) -> list[Sample]:
    return [_sample(runs, variant, column) for variant in claim.compared]


def _sample(runs: pd.DataFrame, variant: str, column: str) -> Sample:
    """The metric of each run that has ended, and was tested as the claim asks for."""
    own = runs[(runs["variant"] == variant) & runs["status"].isin(ENDED)]
    if column == "diverged":
        values = (own["status"] == Status.DIVERGED).astype(float)
        lost = own["status"] == Status.FAILED
    else:
        values = pd.to_numeric(own.reindex(columns=[column])[column], errors="coerce")
        lost = own["status"].isin(LOST)
    rows = [
        (None if gone else float(value), int(seed))
        for value, gone, seed in zip(values, lost, own["seed"], strict=True)
        if gone or not math.isnan(value)
    ]
    return Sample(tuple(value for value, _ in rows), tuple(seed for _, seed in rows))


def _is_preliminary(claim: Claim, runs: pd.DataFrame, each: Sequence[Sequence[Sample]]) -> bool:
    """Whether a run of the claim's variants has not ended, or was not yet tested as the claim asks
    for."""
    own = runs[runs["variant"].isin(claim.variants)]
    if not own["status"].isin(ENDED).all():
        return True
    counts = own.groupby("variant")["seed"].nunique()
    for samples in each:
        for name, sample in zip(claim.compared, samples, strict=True):
            planned = counts.max() if name not in claim.variants else counts.get(name, 0)
            if len(counts) and len(sample.values) < planned:
                return True
    return False


_FEW = 2
"""Departures that are told one by one; the report has a list of all."""


def _told(found: Sequence[str]) -> str:
    count = f"{len(found)} departure{'s' if len(found) > 1 else ''} from the paper's protocol"
    return f"{count}: {'; '.join(found)}" if len(found) <= _FEW else count


def _departures(claim: Claim, specs: Mapping[str, Any]) -> list[str]:
    """Those in fields in which every variant that the claim names departs, be it in other values.
    A field in which one variant alone departs is what the claim compares, as long as there is a
    variant that departs in nothing else; but each of an ensemble's counts. On top of them, that the
    published number is of images whose labels nobody else has, or of others altogether."""
    each = [departures(specs[variant]) for variant in claim.variants]
    fields = [{found.field for found in of_one} for of_one in each]
    compared: set[str] = set()
    if claim.compared == claim.variants:
        common = set.intersection(*fields)
        if any(common.issuperset(of_one) for of_one in fields):
            compared = set.union(*fields) - common
    own = tuple(f"{field}." for field in claim.departs_in)
    found = list(
        dict.fromkeys(
            told(departure)
            for departure in itertools.chain(*each)
            if departure.field not in compared and not f"{departure.field}.".startswith(own)
        )
    )
    if isinstance(claim, PublishedClaim):
        if any(section(specs[variant]) is None for variant in claim.variants):
            found.append(_UNKNOWN)
        elif hidden := _HIDDEN.get((claim.number.dataset, claim.number.split)):
            found.append(hidden)
    return found


def verdict_table(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """A row a claim, for people."""
    return pd.DataFrame(
        [{"claim": v.claim.statement, "verdict": v.words, "why": v.sentence} for v in verdicts],
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
                "lost": finding.lost,
                "margin": verdict.claim.margin,
                "effect": finding.effect,
                "interval": "{:.2f} to {:.2f}".format(*finding.interval),
                "p": finding.p,
                "p against": finding.p_against,
                "power": finding.power,
            }
            for verdict in verdicts
            if (finding := verdict.finding)
        ],
        columns=_TESTS,
    )


_TESTS = [
    *("claim", "test", "runs", "lost", "margin", "effect", "interval"),
    *("p", "p against", "power"),
]

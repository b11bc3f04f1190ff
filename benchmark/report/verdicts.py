"""Verdicts on a suite's claims: each is judged by its own test, or declared not comparable with the
paper."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from benchmark.counts import counted
from benchmark.report.comparable import departures_of, in_short
from benchmark.statistics.finding import ALPHA, Finding, corrected
from benchmark.status import ENDED, LOST, Status
from benchmark.suite.claims import Claim, Sample, Setting
from benchmark.suite.claims.multiplicity import (
    family_sizes,
    nets_as_published,
    of_published_weights,
    pairs_in,
)
from benchmark.suite.claims.outcomes import (
    INCONCLUSIVE,
    NOT_COMPARABLE,
    NOT_REPRODUCED,
    NOT_RUN,
    REPRODUCED,
)
from benchmark.suite.looks import Looks


@dataclass(frozen=True)
class Look:
    """The state of a claim at one look, given the runs of some seeds."""

    runs: int
    """Number of runs per variant."""
    bounds: tuple[float, float]
    """The p values, for and against, at or below which the look decides. They apply to raw p
    values; those of a finding are corrected, to be compared with the level."""
    outcome: str
    finding: Finding | None
    sentence: str
    due: bool
    """Whether all of these runs have ended and were tested as the claim requires."""


@dataclass(frozen=True)
class Verdict:
    """The verdict on a claim."""

    claim: Claim
    verdict: str
    sentence: str
    finding: Finding | None = None
    """None if there were too few runs for a test. Its p values are corrected for the family and for
    the looks."""
    departures: tuple[str, ...] = ()
    """The runs' departures from the paper's protocol, apart from what the claim compares."""
    preliminary: bool = False
    """Whether planned runs are still missing. Looking at each new run and stopping when it suits
    gives wrong verdicts more often than the level says. In a suite with looks, a verdict is final
    once a look has decided."""
    outcome: str = INCONCLUSIVE
    """The verdict if departures are ignored."""
    looks: tuple[Look, ...] = ()
    """In a suite with looks: those that were due, until one decided."""
    not_run: bool = False
    """Whether one of the compared variants has no run that has ended and was tested as the claim
    requires."""

    @property
    def decided_at(self) -> int | None:
        """The number of runs per variant at the look that decided; None if none has."""
        decided = [look.runs for look in self.looks if look.outcome != INCONCLUSIVE]
        return decided[0] if decided else None

    @property
    def words(self) -> str:
        """The verdict for display; of runs that depart from the paper, with what they show."""
        if self.not_run:
            return NOT_RUN
        if self.preliminary:
            return f"{self.verdict} (preliminary)"
        shows = self.verdict == NOT_COMPARABLE and self.outcome != INCONCLUSIVE
        return f"{self.verdict} (as run: {self.outcome})" if shows else self.verdict


def judge(
    claims: Sequence[Claim],
    runs: pd.DataFrame,
    specs: Mapping[str, Any],
    looks: Looks | None = None,
) -> list[Verdict]:
    """Return a verdict for each claim, in order.

    ``runs``: from ``load_runs``, for one suite, including planned runs; ``specs``: variant -> spec
    as plain data; ``looks``: the suite's, if any. Claims that ask the same question are a family
    and are corrected together.
    """
    as_published = nets_as_published(specs)
    sizes = family_sizes(claims, as_published)
    level = looks.level if looks else ALPHA
    found = []
    for claim, size in zip(claims, sizes, strict=True):
        of_weights = of_published_weights(claim, as_published)
        setting = Setting(level / size, pairs_in(claim, specs), of_weights)
        tests = _Tests(claim, runs, setting, size)
        verdict = _verdict(claim, *_looked_at(tests, looks), specs)
        not_run = not all(sample.values for sample in samples_of(claim, runs))
        found.append(replace(verdict, not_run=not_run))
    return found


@dataclass(frozen=True)
class _Tests:
    """The test of a claim, for any look."""

    claim: Claim
    runs: pd.DataFrame
    setting: Setting
    """Its level is the claim's, for all looks together."""
    size: int
    """Number of claims in the family."""

    @property
    def needed(self) -> int:
        """Number of runs needed per variant."""
        return 1 if self.setting.as_published else self.claim.needed

    def look(self, seeds: Collection[int] | None, bounds: tuple[float, float]) -> Look:
        """Test the claim on the runs of some seeds, or of all."""
        runs = self.runs if seeds is None else self.runs[self.runs["seed"].isin(seeds)]
        claim, each = self.claim, [samples_of(self.claim, runs, col) for col in self.claim.columns]
        counts = tuple(len(sample.values) for sample in each[0])
        if seeds is None:
            whole = not _is_preliminary(claim, runs, each)
        else:
            whole = all(sample.has(seeds) for samples in each for sample in samples)
        number = len(seeds) if seeds is not None else max(counts, default=0)
        fewest = min(len(sample.values) for samples in each for sample in samples)
        if fewest < self.needed:
            text = ", ".join(f"{v}: {n}" for v, n in zip(claim.compared, counts, strict=True))
            why = f"Too few runs ({text}); the claim asks for {self.needed}."
            return Look(number, bounds, INCONCLUSIVE, None, why, whole)
        # The look's bound determines the width of the interval.
        setting = replace(self.setting, level=bounds[0] or self.setting.level)
        finding = _joined([claim.found(samples, setting) for samples in each])
        outcome = INCONCLUSIVE
        if _decides(finding.p, bounds[0]):
            outcome = REPRODUCED
        elif _decides(finding.p_against, bounds[1]):
            outcome = NOT_REPRODUCED
        whole_level = self.setting.level * self.size
        p, against = (
            corrected(p, whole_level / bound) if bound else 1.0
            for p, bound in zip((finding.p, finding.p_against), bounds, strict=True)
        )
        finding = replace(finding, p=p, p_against=against)
        return Look(number, bounds, outcome, finding, claim.sentence(finding, outcome), whole)


def _looked_at(tests: _Tests, looks: Looks | None) -> tuple[Look, tuple[Look, ...], bool]:
    """Return the look that counts, the looks that were due until then, and whether the former is
    preliminary: not all runs of the last look have ended, and no earlier look decided. What a look
    with too few runs cannot spend is left to later ones."""
    if looks is None:
        level = tests.setting.level
        look = tests.look(None, (level, level))
        return look, (), not look.due
    enough = tuple(number for number in looks.looks if number >= tests.needed)
    bounds = tests.claim.bounds(enough, tests.setting) if enough else ()
    bounds_at = dict(zip(enough, bounds, strict=True))
    made: list[Look] = []
    for number in looks.looks:
        look = tests.look(looks.seeds[:number], bounds_at.get(number, (0.0, 0.0)))
        if not look.due:
            return look, tuple(made), True
        made.append(look)
        if look.outcome != INCONCLUSIVE:
            break
    return made[-1], tuple(made), False


def _decides(p: float, max_p: float) -> bool:
    """Return whether a p value is at most ``max_p``, up to rounding."""
    return max_p > 0 and p <= max_p * (1 + 1e-9)


def _verdict(
    claim: Claim, look: Look, made: tuple[Look, ...], preliminary: bool, specs: Mapping[str, Any]
) -> Verdict:
    sentence, finding = look.sentence, look.finding
    if finding and finding.lost:
        lost = counted(finding.lost, "lost run")
        sentence = f"With {lost} taken at the worst, {_lowered(sentence)}"
    if made and not preliminary and look.outcome != INCONCLUSIVE:
        sentence += f" Decided by the look at {look.runs} runs of each."
    found = tuple(departures_of(claim, specs))
    verdict = claim.verdict(look.outcome, finding)
    if found:
        if finding:
            sentence = f"As the runs stand: {_lowered(sentence)}"
        sentence, verdict = f"{in_short(found)}. {sentence}", NOT_COMPARABLE
    return Verdict(claim, verdict, sentence, finding, found, preliminary, look.outcome, made)


def _lowered(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _joined(found: Sequence[Finding]) -> Finding:
    """Join the findings of a claim about several iterations. It is supported only if it is at each
    of them, so the weakest counts (an intersection-union test); it is refuted if it is at any, with
    the p value corrected for their number."""
    least = max(found, key=lambda finding: finding.p)
    against = min(1.0, len(found) * min(finding.p_against for finding in found))
    return replace(least, p_against=against)


def samples_of(claim: Claim, runs: pd.DataFrame, column: str | None = None) -> list[Sample]:
    """Return the values that a claim is judged by, for each side, from its first or another one of
    its columns."""
    column = column or claim.columns[0]
    return [_sample(runs, variant, column) for variant in claim.compared]


def _sample(runs: pd.DataFrame, variant: str, column: str) -> Sample:
    """Return the metric of each run that has ended and was tested as the claim requires."""
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
    """Return whether a run of the claim's variants has not ended, or was not yet tested as the
    claim requires."""
    own = runs[runs["variant"].isin(claim.variants)]
    if not own["status"].isin(ENDED).all():
        return True
    counts = own.groupby("variant")["seed"].nunique()
    return any(
        len(sample.values) < (counts.get(name, 0) if name in claim.variants else counts.max())
        for samples in each
        for name, sample in zip(claim.compared, samples, strict=True)
    )


def verdict_table(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """Return a row per claim, in words."""
    return pd.DataFrame(
        [{"claim": v.claim.statement, "verdict": v.words, "why": v.sentence} for v in verdicts],
        columns=["claim", "verdict", "why"],
    )


def finding_table(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """Return a row per tested claim: the test, the number of runs, and the finding."""
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

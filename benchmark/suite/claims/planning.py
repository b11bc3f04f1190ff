"""What a suite's seeds can decide, computed before any training."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmark.paper import published_for
from benchmark.spec import RunSpec
from benchmark.statistics.finding import ALPHA
from benchmark.statistics.sequential import followed
from benchmark.suite.claims.base import Claim
from benchmark.suite.claims.bound import BoundClaim
from benchmark.suite.claims.multiplicity import (
    begun_from,
    family_sizes,
    nets_as_published,
    of_published_weights,
    pairs_in,
)
from benchmark.suite.claims.published import PublishedClaim
from benchmark.suite.claims.sample import Setting
from benchmark.suite.looks import Looks

WANTED = 0.8
"""The probability with which a suite should decide a claim."""

_SUITES = 4000
"""Number of simulated suites for planning looks."""

_MAX_SEEDS = 60
"""Largest number of seeds considered."""

_USUAL = {"cifar": 10.0, "photographs": 25.0, "boxes": 70.0}
"""Kind of data set -> the error in percent assumed if the paper has none; for detectors, 100 minus
the average precision."""


_UNKNOWN = ("mean_response_std", "gradient_norm_decades")
"""Metrics whose variation between runs is not known."""


@dataclass(frozen=True)
class Spread:
    """How much runs of one net differ."""

    sd: float | None
    """Standard deviation between runs, in the metric's unit; None if unknown."""
    runs: int = 0
    """Number of runs that it was measured on; 0 if it is assumed."""


@dataclass(frozen=True)
class Prospect:
    """The prospects of a claim with a suite's seeds."""

    claim: Claim
    spread: Spread
    """What the seeds are planned for."""
    chance: float | None
    """Probability that the seeds decide the claim if it is true."""
    seeds: int | None
    """Number of seeds, all trained before the first look, that would decide it with probability
    ``WANTED``; None if no feasible number does."""
    margin: float | None = None
    """Smallest margin with which the suite's seeds, all trained before the first look, would decide
    it with probability ``WANTED``; None if none does."""
    by_look: tuple[float, ...] = ()
    """Probability that the claim, if true, is decided by each look; 0 if unknown."""


def prospects(
    claims: Sequence[Claim],
    seeds: int,
    specs: Mapping[str, Mapping[str, Any]],
    looks: Looks | None = None,
    measured: Sequence[Spread | None] | None = None,
) -> list[Prospect]:
    """Return the prospects, one per claim. ``specs``: variant -> spec as plain data, for one seed;
    ``looks``: the suite's, if any, the last of them at ``seeds``; ``measured``: for each claim the
    spread of its runs, where it is known: it takes precedence over ``planning_sd``."""
    as_published = nets_as_published(specs)
    sizes = family_sizes(claims, as_published)
    level = looks.level if looks else ALPHA
    found = []
    known = measured or [None] * len(claims)
    for claim, size, spread in zip(claims, sizes, known, strict=True):
        of_weights = of_published_weights(claim, as_published)
        setting = Setting(level / size, pairs_in(claim, specs), of_weights)
        own = _prospect(claim, seeds, specs, setting, spread)
        found.append(replace(own, **_by_look(own, looks.looks, setting)) if looks else own)
    return found


def expected_runs(
    found: Sequence[Prospect], looks: Looks, specs: Mapping[str, Mapping[str, Any]]
) -> list[float]:
    """Return the expected number of runs trained by each look if all claims are true and are
    decided independently of each other. Further seeds of a variant are trained while a claim that
    needs it, or a variant that starts from it, is undecided, and always if no claim needs it."""
    undecided: dict[str, list[Sequence[float]]] = {variant: [] for variant in specs}
    for each in found:
        needed = set().union(*(begun_from(variant, specs) for variant in each.claim.variants))
        for variant in needed & undecided.keys():
            undecided[variant].append([1.0, *(1 - chance for chance in each.by_look)])
    runs, before, expected = 0.0, 0, []
    for number, seeds in enumerate(looks.looks):
        for own in undecided.values():
            trained_on = 1 - math.prod(1 - each[number] for each in own) if own else 1.0
            runs += (seeds - before) * trained_on
        before = seeds
        expected.append(runs)
    return expected


def _prospect(
    claim: Claim,
    seeds: int,
    specs: Mapping[str, Mapping[str, Any]],
    setting: Setting,
    measured: Spread | None,
) -> Prospect:
    if setting.as_published:
        return Prospect(claim, Spread(0.0), 1.0, 1)
    spread = measured or Spread(planning_sd(claim, specs))
    sd, counted = spread.sd, claim.question == "how many runs"
    if sd is None and not counted:
        return Prospect(claim, spread, None, None)

    def chance(number: int, claim: Claim = claim) -> float:
        return claim.chance(number, sd or 0.0, setting) if number >= claim.needed else 0.0

    def with_margin(margin: float) -> float:
        return chance(seeds, claim.model_copy(update={"margin": margin}))

    margin = None if counted else _large_enough(with_margin, claim.largest_margin)
    return Prospect(claim, spread, chance(seeds), _enough(chance, claim.needed), margin)


def _by_look(own: Prospect, looks: tuple[int, ...], setting: Setting) -> dict[str, Any]:
    claim = own.claim
    if own.chance is None:
        return {"by_look": (0.0,) * len(looks)}
    if setting.as_published:  # Tested at the first look.
        return {"by_look": (1.0,) * len(looks)}
    enough = tuple(seeds for seeds in looks if seeds >= claim.needed)
    if not enough:
        return {"chance": 0.0, "by_look": (0.0,) * len(looks)}
    values = claim.drawn(np.random.default_rng(0), _SUITES, enough[-1], own.spread.sd or 0.0)
    course = followed(values, enough, claim.bounds(enough, setting), claim.p_values)
    reached = course.runs[course.decided == 1]
    by_look = tuple(float(np.sum(reached <= seeds)) / _SUITES for seeds in looks)
    return {"chance": by_look[-1], "by_look": by_look}


def _enough(chance: Callable[[int], float], min_seeds: int) -> int | None:
    """Return the smallest number of seeds, at least ``min_seeds``, whose chance is ``WANTED``; the
    chance rises with the seeds."""
    low, high = min_seeds - 1, min_seeds
    while chance(high) < WANTED:
        if high >= _MAX_SEEDS:
            return None
        low, high = high, min(2 * high, _MAX_SEEDS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if chance(middle) >= WANTED else (middle, high)
    return high


def _large_enough(chance: Callable[[float], float], most: float) -> float | None:
    """Return the smallest margin, within 1 %, whose chance is ``WANTED``; None if not even ``most``
    is enough. The chance rises with the margin."""
    if chance(most) < WANTED:
        return None
    low, high = 0.0, most
    while high - low > high / 100:
        middle = (low + high) / 2
        low, high = (low, middle) if chance(middle) >= WANTED else (middle, high)
    return high


def planning_sd(claim: Claim, specs: Mapping[str, Mapping[str, Any]]) -> float | None:
    """Return the assumed standard deviation between runs of one net: for an error ``e`` on ``N``
    images, the square root of ``e / 2N``, in points. Others saw 0.13 to 0.27 on CIFAR-10 (0.54
    at best epochs), where this is 0.2. A published standard deviation of the same number takes
    precedence."""
    if claim.metric in _UNKNOWN:
        return None
    if isinstance(claim, PublishedClaim) and claim.number.sd:
        return claim.number.sd
    found = [_sd(claim, specs[variant]) for variant in claim.variants]
    return math.sqrt(sum(sd**2 for sd in found) / len(found))


def _sd(claim: Claim, plain: Mapping[str, Any]) -> float:
    spec = RunSpec.model_validate(plain)
    trained = claim.metric == "train_error_percent"
    images = spec.dataset.train_images if trained else spec.dataset.test_images
    error = _USUAL.get(spec.dataset.kind, 25.0)
    published = claim.number if isinstance(claim, PublishedClaim) else published_for(plain)
    if isinstance(claim, BoundClaim):
        error = claim.bound
    elif published:
        error = 100 - published.value if claim.measured.better == "higher" else published.value
    return 100 * math.sqrt(error / 100 / (2 * images))

"""What a suite's seeds can decide, before anything is spent."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.paper import published_for
from benchmark.spec import RunSpec
from benchmark.suite.claims.base import Claim
from benchmark.suite.claims.family import (
    family_sizes,
    nets_as_published,
    of_published_weights,
    pairs_in,
)
from benchmark.suite.claims.published import PublishedClaim
from benchmark.suite.claims.sample import Setting

WANTED = 0.8
"""The chance that a suite should have to decide a claim."""

_MOST = 60
"""Seeds beyond which nobody goes."""

_USUAL = {"cifar": 10.0, "photographs": 25.0, "boxes": 70.0}
"""Kind of data set -> the error in percent where the paper prints none; of detectors 100 less the
average precision."""


@dataclass(frozen=True)
class Prospect:
    """What the seeds of a suite can do for a claim."""

    claim: Claim
    sd: float | None
    """By which runs are planned to differ, in the metric's unit; None where nobody knows."""
    chance: float | None
    """That the seeds decide the claim, were it true."""
    seeds: int | None
    """How many seeds would have a chance of ``WANTED``; None where no bearable number has."""


def prospects(
    claims: Sequence[Claim], seeds: int, specs: Mapping[str, Mapping[str, Any]]
) -> list[Prospect]:
    """One a claim. ``specs``: variant -> spec as plain data, of one seed."""
    as_published = nets_as_published(specs)
    sizes = family_sizes(claims, as_published)
    return [
        _prospect(claim, seeds, specs, size, of_published_weights(claim, as_published))
        for claim, size in zip(claims, sizes, strict=True)
    ]


def _prospect(
    claim: Claim,
    seeds: int,
    specs: Mapping[str, Mapping[str, Any]],
    size: int,
    as_published: bool,
) -> Prospect:
    from benchmark.statistics.finding import ALPHA

    setting = Setting(ALPHA / size, pairs_in(claim, specs), as_published)
    if as_published:
        return Prospect(claim, 0.0, 1.0, 1)
    sd = planning_sd(claim, specs)
    counted = claim.question == "how many runs"
    if sd is None and not counted:
        return Prospect(claim, None, None, None)

    def chance(number: int) -> float:
        return claim.chance(number, sd or 0.0, setting) if number >= claim.needed else 0.0

    return Prospect(claim, sd, chance(seeds), _enough(chance, claim.needed))


def _enough(chance: Callable[[int], float], least: int) -> int | None:
    """The first number of seeds with a chance of ``WANTED``, from ``least`` on; a chance rises with
    the seeds."""
    low, high = least - 1, least
    while chance(high) < WANTED:
        if high >= _MOST:
            return None
        low, high = high, min(2 * high, _MOST)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if chance(middle) >= WANTED else (middle, high)
    return high


def planning_sd(claim: Claim, specs: Mapping[str, Mapping[str, Any]]) -> float | None:
    """By which runs of one net are held to differ where nothing is known: of an error ``e`` on
    ``N`` images, the square root of ``e / 2N``, in points. Others saw 0.13 to 0.27 on CIFAR-10,
    where this is 0.2. A published standard deviation of the same number goes before it."""
    if claim.metric == "mean_response_std":
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
    if published:
        error = 100 - published.value if claim.measured.higher_is_better else published.value
    return 100 * math.sqrt(error / 100 / (2 * images))

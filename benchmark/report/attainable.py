"""What a suite's seeds can show at best."""

from collections.abc import Collection, Sequence

from benchmark.suite.claims import Claim, DirectionClaim, Setting
from benchmark.suite.claims.family import family_sizes, of_published_weights
from benchmark.suite.claims.trend import TrendClaim


def undecidable(
    claims: Sequence[Claim], seeds: int, as_published: Collection[str] = ()
) -> list[str]:
    """The statements that so many seeds can only leave inconclusive: fewer than the claim asks for,
    or too few for its smallest p value, as it is where all runs agree with it, to be below the
    level of one claim of its family.

    ``as_published``: variants that are tested with published weights, for which one run is enough.
    """
    from benchmark.statistics.finding import ALPHA

    sizes = family_sizes(claims, as_published)
    found = []
    for claim, size in zip(claims, sizes, strict=True):
        if of_published_weights(claim, as_published):
            continue
        setting = Setting(ALPHA / size)
        if seeds < claim.needed or not _can_be_shown(claim, seeds, setting):
            found.append(claim.statement)
    return found


def _can_be_shown(claim: Claim, seeds: int, setting: Setting) -> bool:
    """Whether the smallest p value is small enough; a t test's can be as small as one likes."""
    from benchmark.statistics import ranks

    if isinstance(claim, DirectionClaim | TrendClaim):
        return ranks.least_p(seeds, seeds) <= setting.level
    return claim.question != "how many runs" or claim.chance(seeds, 0.0, setting) > 0

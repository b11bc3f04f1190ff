"""What a suite's seeds can show at best, before anything is spent."""

import math
from collections.abc import Collection, Sequence

from benchmark.suite.claim import Claim

ALPHA = 0.05
"""The level of every test."""


def undecidable(
    claims: Sequence[Claim], seeds: int, as_published: Collection[str] = ()
) -> list[str]:
    """The statements that so many seeds can only leave inconclusive: fewer than the claim asks for,
    or a direction whose smallest p value, even where all runs of one variant are below all of the
    other, is above the level once it is corrected for the number of directions (Holm).

    ``as_published``: variants that are tested with published weights, for which one run is enough.
    """
    directions = [claim for claim in claims if claim.against and claim.is_of_order]
    least_p = len(directions) / math.comb(2 * seeds, seeds)
    return [
        claim.statement
        for claim in claims
        if (seeds < max(2, claim.least_seeds) and claim.variant not in as_published)
        or (claim in directions and least_p > ALPHA)
    ]

"""The claims of a suite: one file per kind of claim, with its fields, its test and its sentence. A
new kind is one more file, and a line in ``kinds``."""

from collections.abc import Sequence

from benchmark.suite.claims.base import Claim
from benchmark.suite.claims.direction import DirectionClaim
from benchmark.suite.claims.equality import EqualityClaim
from benchmark.suite.claims.iterations import ClaimAtIterations
from benchmark.suite.claims.kinds import AnyClaim, claim_of
from benchmark.suite.claims.published import PublishedClaim, ensemble_name
from benchmark.suite.claims.sample import Sample, Setting

__all__ = [
    "AnyClaim",
    "Claim",
    "ClaimAtIterations",
    "DirectionClaim",
    "EqualityClaim",
    "PublishedClaim",
    "Sample",
    "Setting",
    "claim_of",
    "ensemble_name",
    "tests_of",
]


def tests_of(claims: Sequence[Claim]) -> dict[str, list[str]]:
    """Return variant -> the protocols by which claims need its finished runs tested."""
    wanted: dict[str, list[str]] = {}
    for claim in claims:
        for variant in claim.variants if claim.protocol else ():
            protocols = wanted.setdefault(variant, [])
            if claim.protocol not in protocols:
                protocols.append(str(claim.protocol))
    return wanted

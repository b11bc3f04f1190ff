"""``against`` with ``direction: equal``: two variants have the same mean, within a margin."""

from typing import Literal

from benchmark.suite.claims.differences import DifferenceClaim


class EqualityClaim(DifferenceClaim):
    """A claim of equivalence, never merely of a difference that was not found."""

    direction: Literal["equal"]

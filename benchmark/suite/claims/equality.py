"""``against`` with ``direction: equal``: two variants have one mean, within a margin."""

from typing import Literal

from benchmark.suite.claims.differences import DifferenceClaim


class EqualityClaim(DifferenceClaim):
    """An equivalence, never a difference that was merely not found."""

    direction: Literal["equal"]

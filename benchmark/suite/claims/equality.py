"""``against`` with ``direction: equal``: two variants have the same mean, within a margin."""

from typing import Literal

from benchmark.suite.claims.differences import DifferenceClaim


class EqualityClaim(DifferenceClaim):
    """An equivalence, never merely the absence of a significant difference."""

    direction: Literal["equal"]

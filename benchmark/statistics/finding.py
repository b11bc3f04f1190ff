"""The outcome of a statistical test, and the level at which it is read."""

from dataclasses import dataclass

ALPHA = 0.05
"""The chance of any wrong verdict among a suite's claims that ask the same kind of question."""

TINY = 1e-9
"""Lower limit for a standard error, so that it is never 0."""


@dataclass(frozen=True)
class Finding:
    """The outcome of a statistical test."""

    test: str
    n: tuple[int, ...]
    """Number of runs on each side."""
    effect: float
    """Difference in percentage points, the probability that one run has a lower value than another,
    the mean that is compared with a bound, or a share of runs."""
    interval: tuple[float, float]
    """Confidence interval of the effect."""
    confidence: float
    """Level of the interval: 0.9 if one claim is tested at 5 % on either side."""
    p: float
    """Small if the claim is supported."""
    p_against: float
    """Small if the claim is refuted."""
    power: float
    """The chance that this many runs support the claim if the true difference is the margin or, for
    equality, none. It is averaged over the possible standard deviations, since a few runs say
    little about it."""
    where: int = 0
    """Index of the part of the claim that this is about: the one where the claim is weakest."""
    lost: int = 0
    """Number of runs without a value; the claim was tested with several values for them."""

    @property
    def percent(self) -> str:
        """The interval's confidence: ``90 %``."""
        return f"{100 * self.confidence:.3g} %"


def corrected(p: float, claims: float) -> float:
    """Return a p value adjusted for a family of this many claims. With several looks, the factor is
    the ratio of the family's level to what the look may spend.

    A claim has two null hypotheses, that it is false and that it is true, and exactly one of them
    holds: although the family has twice as many hypotheses as claims, at most one per claim can be
    rejected wrongly. So Holm's first factor is the number of claims (Shaffer, 1986), for both sides
    together. Later factors would be no lower, since a decided claim leaves its other side.
    """
    return min(1.0, p * claims)

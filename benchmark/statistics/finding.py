"""What a test found, and at which level it is read."""

from dataclasses import dataclass

ALPHA = 0.05
"""The chance of a wrong verdict, for all claims of one suite that ask the same kind of question."""

TINY = 1e-9
"""In place of a standard error of 0."""


@dataclass(frozen=True)
class Finding:
    """What a test found."""

    test: str
    n: tuple[int, ...]
    """Runs on each side."""
    effect: float
    """Difference in points, the probability that one run has a lower value than another, the mean
    that is held against a bound, or a share of runs."""
    interval: tuple[float, float]
    """Of the effect."""
    confidence: float
    """Of the interval: 0.9 where one claim is tested at 5 % on either side."""
    p: float
    """Small where the claim is supported."""
    p_against: float
    """Small where the claim is refuted."""
    power: float
    """The chance to support the claim, were it true, with as many runs. It is an average over what
    the standard deviation may be, of which a few runs tell little."""
    where: int = 0
    """Of a claim of several parts, which one this is: where the claim holds least."""
    lost: int = 0
    """Runs without a value, which the claim was tested with at either end of the scale."""

    @property
    def percent(self) -> str:
        """The interval's confidence: ``90 %``."""
        return f"{100 * self.confidence:.3g} %"


def corrected(p: float, claims: float) -> float:
    """A p value, adjusted for a family of so many claims; by looks at more and more runs, for as
    many times as the level is above what the look may spend.

    A claim has two null hypotheses, that it is false and that it is true, of which exactly one
    holds: of the family's twice as many, no more than one a claim can be rejected wrongly. So
    Holm's first factor is the number of claims (Shaffer, 1986), for both sides together. Later
    factors would be no lower, as a claim that is decided leaves its other side.
    """
    return min(1.0, p * claims)

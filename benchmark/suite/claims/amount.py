"""``against`` with ``difference``: a variant is lower or higher than another by a stated amount."""

import math
from typing import Literal

from pydantic import Field, model_validator

from benchmark.spec.base import refuse
from benchmark.suite.claims.differences import DifferenceClaim


class AmountClaim(DifferenceClaim):
    """The difference is the stated one, within ``margin``."""

    direction: Literal["lower", "higher"]
    """Whether ``variant`` is lower or higher than ``against``."""

    difference: float = Field(gt=0, le=100)
    """How much lower or higher it is, in the metric's unit and within ``margin``."""

    @model_validator(mode="after")
    def _is_more_than_the_margin(self) -> "AmountClaim":
        if self.difference <= self.margin:
            rule = f"must be above margin ({self.margin:g}), or no difference would also pass"
            raise refuse("difference", rule, self.difference)
        return self

    @property
    def largest_margin(self) -> float:
        """Just below the difference."""
        return 0.99 * self.difference

    @property
    def expected(self) -> float:
        """The signed difference."""
        return math.copysign(self.difference, -1 if self.direction == "lower" else 1)

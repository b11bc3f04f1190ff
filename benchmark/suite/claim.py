"""What a suite sets out to show."""

from typing import Literal

from pydantic import Field, model_validator

from benchmark.paper import PUBLISHED
from benchmark.spec.base import Spec, refuse


class Claim(Spec):
    """One comparison: of a variant with a published value, of two variants, or a trend."""

    statement: str = Field(min_length=1)
    """The claim in one plain sentence."""

    variant: str | None = None
    """The variant that the claim is about; not with ``trend``."""

    published: str | None = None
    """Compared with this published number, named ``table/row/column``."""

    against: str | None = None
    """Compared with this other variant."""

    trend: tuple[str, ...] | None = Field(default=None, strict=False, min_length=2)
    """Variants along which the metric moves in ``direction``."""

    direction: Literal["lower", "higher", "equal"] | None = None
    """How ``variant`` stands to ``against``, or how the trend goes."""

    metric: Literal[
        "test_error_percent",
        "best_test_error_percent",
        "train_error_percent",
        "mean_response_std",
    ] = "test_error_percent"
    """What is compared, one value a run; ``mean_response_std`` needs ``diagnostics.iterations``."""

    margin: float = Field(default=0.5, gt=0, le=100)
    """The difference, in the metric's unit, below which two values count as equal."""

    least_seeds: int = Field(default=3, ge=1, le=1000)

    departs_in: tuple[str, ...] = Field(default=(), strict=False)
    """Dotted spec fields, or parts of the spec with all their fields, in which the claim itself
    departs from the paper's protocol, so that they make it no less comparable."""

    @model_validator(mode="after")
    def _one_comparison(self) -> "Claim":
        named = [n for n in ("published", "against", "trend") if getattr(self, n) is not None]
        if len(named) != 1:
            rule = "a claim has exactly one of published, against and trend"
            raise refuse(named[-1] if named else "published", rule, named)
        if (self.variant is None) != (self.trend is not None):
            rule = "is stated with published and against, and not with trend"
            raise refuse("variant", rule, self.variant)
        if (self.direction is None) != (self.published is not None):
            rule = "is stated with against and trend, and not with published"
            raise refuse("direction", rule, self.direction)
        if self.against is not None and self.against == self.variant:
            raise refuse("against", "must be another variant than variant", self.against)
        if self.trend is not None and len(set(self.trend)) < len(self.trend):
            raise refuse("trend", "names each variant once", self.trend)
        comparable = [key for key, number in PUBLISHED.items() if number.column == self.metric]
        if self.published is not None and self.published not in comparable:
            known = ", ".join(comparable) or "none"
            rule = f"must be one of the published numbers of {self.metric}: {known}"
            raise refuse("published", rule, self.published)
        return self

    @property
    def variants(self) -> tuple[str, ...]:
        """Every variant that the claim names."""
        return tuple(v for v in (self.variant, self.against, *(self.trend or ())) if v)

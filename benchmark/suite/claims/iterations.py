"""``at``: a claim about certain iterations of the training instead of its end."""

from pydantic import Field, model_validator

from benchmark.metrics import BY_CLAIM
from benchmark.spec.base import Ints, refuse
from benchmark.suite.claims.base import Claim


class ClaimAtIterations(Claim):
    """A claim that may be about iterations. It must hold at each of them."""

    at: Ints | None = Field(default=None, min_length=1, max_length=100)
    """The iterations, instead of the training's end: values are those of the last epoch finished by
    then. Required for gradients and rates, which have no final value."""

    @model_validator(mode="after")
    def _at_fits(self) -> "ClaimAtIterations":
        if self.at is None and not self.measured.result:
            raise refuse("at", f"is stated with the metric {self.metric}", None)
        if self.at is None:
            return self
        if not self.measured.by_iteration:
            known = " and ".join(name for name, each in BY_CLAIM.items() if each.by_iteration)
            raise refuse("at", f"is stated with the metrics {known}", self.metric)
        first = 0 if self.measured.by_iteration == "layers" else 1
        if list(self.at) != sorted(set(self.at)) or self.at[0] < first:
            raise refuse("at", f"must rise, starting at {first} or more", self.at)
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """One column per iteration of ``at``, added by ``report.values.with_values_at``."""
        if self.at:
            return tuple(f"{self.metric}@{iteration}" for iteration in self.at)
        return super().columns

    @property
    def last_iteration(self) -> int | None:
        """The last iteration of ``at``."""
        return self.at[-1] if self.at else None

    @property
    def when(self) -> str:
        """The iterations in words, for sentences; empty for the training's end."""
        return f" after {' and '.join(f'{i:,}' for i in self.at)} iterations" if self.at else ""

"""``at``: a claim about some iterations of training instead of its end."""

from pydantic import Field, model_validator

from benchmark.metrics import BY_CLAIM
from benchmark.spec.base import Ints, refuse
from benchmark.suite.claims.base import Claim


class ClaimAtIterations(Claim):
    """A claim that may be about some iterations. Such a claim must hold at each of them."""

    at: Ints | None = Field(default=None, min_length=1, max_length=100)
    """The iterations, instead of the end of training: uses the last epoch that had ended by then.
    Required for gradients and rates, which have no value at the end."""

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
            raise refuse("at", f"must rise, from {first} on", self.at)
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """One column per iteration of ``at``, as ``report.measured.with_values_at`` adds them."""
        if self.at:
            return tuple(f"{self.metric}@{iteration}" for iteration in self.at)
        return super().columns

    @property
    def when(self) -> str:
        """The iterations in words, for sentences; empty for the end of training."""
        return f" after {' and '.join(f'{i:,}' for i in self.at)} iterations" if self.at else ""

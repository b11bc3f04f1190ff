"""What a suite sets out to show."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from benchmark.paper import PUBLISHED, Published
from benchmark.spec.base import Ints, Spec, refuse
from benchmark.spec.protocol import ProtocolName
from benchmark.suite.measure import MEASURES, Measure, Metric

_BY_PROTOCOL = ("top1_error_percent", "top5_error_percent")

_OF_TWO = "is stated with against and the direction lower or higher, and with no other"
"""The rule of fields that say more of how one variant stands to another."""

_BY_EPOCH = ("test_error_percent", "train_error_percent")

_VIEWS = {
    "10-crop": "ten-crop-",
    "fully convolutional at 5 scales": "multi-scale-224-256-384-480-640",
}
"""How the paper looked at images -> how the protocol's name begins."""


class Claim(Spec):
    """One comparison: of a variant with a published value or a stated bound, of two variants, or a
    trend."""

    statement: str = Field(min_length=1)
    """The claim in one plain sentence."""

    variant: str | None = None
    """The variant that the claim is about; not with ``trend`` or ``ensemble``."""

    ensemble: tuple[str, ...] | None = Field(default=None, strict=False, min_length=2)
    """In place of ``variant``, with ``published``: variants whose runs with one seed, their class
    probabilities averaged, are one value (table 5)."""

    published: str | None = None
    """Compared with this published number, named ``table/row/column``."""

    against: str | None = None
    """Compared with this other variant."""

    trend: tuple[str, ...] | None = Field(default=None, strict=False, min_length=2)
    """Variants along which the metric moves in ``direction``."""

    than: float | None = Field(default=None, gt=0)
    """Compared with this bound, in the metric's unit, which its mean is lower or higher than."""

    direction: Literal["lower", "higher", "equal"] | None = None
    """How ``variant`` stands to ``against`` or ``than``, or how the trend goes."""

    by: float | None = Field(default=None, gt=0, le=100)
    """With ``against``: how much lower or higher it is, in the metric's unit and within
    ``margin``, where the paper states that."""

    at: Ints | None = Field(default=None, min_length=1, max_length=100)
    """With ``against``: the iterations at each of which it is lower or higher, by the last epoch
    that ended by then, in place of the training's end."""

    metric: Metric = "test_error_percent"
    """What is compared, one value a run; ``mean_response_std`` needs ``diagnostics.iterations``;
    top-1 and top-5 errors are those of ``protocol``; average precisions are detectors'."""

    protocol: str | None = None
    """How the finished runs are tested, by its full name: ``ten-crop-256``."""

    margin: float = Field(default=0.5, gt=0, le=100)
    """The difference, in the metric's unit, below which two values count as equal."""

    least_seeds: int = Field(default=3, ge=1, le=1000)

    departs_in: tuple[str, ...] = Field(default=(), strict=False)
    """Dotted spec fields, or parts of the spec with all their fields, in which the claim itself
    departs from the paper's protocol, so that they make it no less comparable."""

    @model_validator(mode="after")
    def _one_comparison(self) -> "Claim":
        kinds = ("published", "against", "than", "trend")
        named = [kind for kind in kinds if getattr(self, kind) is not None]
        if len(named) != 1:
            rule = "a claim has exactly one of published, against, than and trend"
            raise refuse(named[-1] if named else "published", rule, named)
        if (self.variant is None) != bool(self.trend or self.ensemble):
            rule = "is stated with published, against and than, and not with trend or ensemble"
            raise refuse("variant", rule, self.variant)
        if self.ensemble and not (self.published and self.protocol):
            rule = "is stated with published and protocol"
            raise refuse("ensemble", rule, self.ensemble)
        for field in ("trend", "ensemble"):
            variants = getattr(self, field) or ()
            if len(set(variants)) < len(variants):
                raise refuse(field, "names each variant once", variants)
        if (self.direction is None) != (self.published is not None):
            rule = "is stated with against, than and trend, and not with published"
            raise refuse("direction", rule, self.direction)
        if self.than is not None and self.direction == "equal":
            raise refuse("direction", "must be lower or higher with than", self.direction)
        if self.against is not None and self.against == self.variant:
            raise refuse("against", "must be another variant than variant", self.against)
        self._refuse_an_amount_that_does_not_fit()
        self._refuse_iterations_that_do_not_fit()
        self._refuse_a_protocol_that_does_not_fit()
        comparable = [
            key
            for key, number in PUBLISHED.items()
            if number.column == self.metric and self._is_come_by_as(number)
        ]
        if self.published is not None and self.published not in comparable:
            known = ", ".join(comparable) or "none"
            what = f"{self.metric} by {self.protocol}" if self.protocol else self.metric
            rule = f"must be one of the published numbers of {what}: {known}"
            raise refuse("published", rule, self.published)
        return self

    def _refuse_a_protocol_that_does_not_fit(self) -> None:
        if (self.protocol is not None) != (self.metric in _BY_PROTOCOL):
            rule = f"is stated with the metrics {' and '.join(_BY_PROTOCOL)}, and with no other"
            raise refuse("protocol", rule, self.protocol)
        if self.protocol is not None:
            try:
                sides = ProtocolName.of(self.protocol).sides
            except ValueError:
                sides = ()
            if not sides:
                rule = "must be a protocol with its shorter sides, as ten-crop-256"
                raise refuse("protocol", rule, self.protocol)

    def _refuse_an_amount_that_does_not_fit(self) -> None:
        if self.by is None:
            return
        if self.against is None or self.direction == "equal":
            raise refuse("by", _OF_TWO, self.by)
        if self.by <= self.margin:
            rule = f"must be above margin ({self.margin:g}), or no difference would do as well"
            raise refuse("by", rule, self.by)

    def _refuse_iterations_that_do_not_fit(self) -> None:
        if self.at is None:
            return
        if self.against is None or not self.is_of_order:
            raise refuse("at", _OF_TWO, self.at)
        if self.metric not in _BY_EPOCH:
            raise refuse("at", f"is stated with the metrics {' and '.join(_BY_EPOCH)}", self.metric)
        if list(self.at) != sorted(set(self.at)) or self.at[0] < 1:
            raise refuse("at", "must rise, from 1 on", self.at)

    def _is_come_by_as(self, number: Published) -> bool:
        """Whether a published number was come by as the claim's value is: seen by its protocol,
        and by an ensemble only if that is one."""
        if number.is_ensemble != bool(self.ensemble):
            return False
        if self.protocol is None:
            return True
        return self.protocol.startswith(_VIEWS.get(number.view, "\0"))

    @property
    def measure(self) -> Measure:
        """What the metric is."""
        return MEASURES[self.metric]

    @property
    def columns(self) -> tuple[str, ...]:
        """Of the frame of runs, where the metric stands: one, or one for each iteration of ``at``,
        which ``report.measured.with_values_at`` adds."""
        if self.at:
            return tuple(f"{self.metric}@{iteration}" for iteration in self.at)
        column = self.measure.column
        return (f"{self.protocol}.{column}" if self.protocol else column,)

    @property
    def is_of_order(self) -> bool:
        """Whether it says only that a variant is lower or higher than another, not by how much."""
        return self.direction in ("lower", "higher") and self.by is None and self.than is None

    @property
    def variants(self) -> tuple[str, ...]:
        """Every variant that the claim names."""
        several = self.trend or self.ensemble or ()
        return tuple(v for v in (self.variant, self.against, *several) if v)

    @property
    def compared(self) -> tuple[str, ...]:
        """What a sample is taken of: variants, or the ensemble, by its name."""
        return (ensemble_name(self.ensemble),) if self.ensemble else self.variants


def tests_of(claims: Sequence[Claim]) -> dict[str, list[str]]:
    """Variant -> the protocols by which claims want its finished runs tested."""
    wanted: dict[str, list[str]] = {}
    for claim in claims:
        for variant in claim.variants if claim.protocol else ():
            protocols = wanted.setdefault(variant, [])
            if claim.protocol not in protocols:
                protocols.append(str(claim.protocol))
    return wanted


def ensemble_name(variants: Sequence[str]) -> str:
    """For people, and in the frames that claims are judged by."""
    return " + ".join(variants)

"""What all claims have in common."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, model_validator

from benchmark.metrics import BY_CLAIM, BY_PROTOCOL, Metric, Name
from benchmark.spec.base import Spec, refuse
from benchmark.spec.protocol import ProtocolName
from benchmark.suite.claims.sample import Sample, Setting

if TYPE_CHECKING:
    import numpy as np

    from benchmark.statistics.finding import Finding
    from benchmark.statistics.sequential import Bounds

    Values = list[np.ndarray]


class Claim(Spec):
    """What a suite sets out to show. A claim's stated fields imply its kind: see
    ``claims.kinds``."""

    question: ClassVar[str] = ""
    """What the claim asks. Claims of one suite that ask the same question are a family: their tests
    are corrected for multiplicity."""

    statement: str = Field(min_length=1)
    """The claim in one plain sentence."""

    metric: Name = "test_error_percent"
    """What is compared, one value per run; ``mean_response_std`` needs ``diagnostics.iterations``;
    top-1 and top-5 errors are those of ``protocol``; average precisions are for detectors; learning
    rates and the ratio of gradient norms (in powers of ten) exist only per iteration: ``at``."""

    protocol: str | None = None
    """The full name of the protocol that finished runs are tested with: ``ten-crop-256``."""

    margin: float = Field(default=0.5, gt=0, le=100)
    """The difference, in the metric's unit, below which two values count as equal, and for which
    the power of a direction is reported. The default depends on the claim."""

    margin_reason: str | None = None
    """The reason for this margin."""

    least_seeds: int = Field(default=3, ge=1, le=1000)

    departs_in: tuple[str, ...] = Field(default=(), strict=False)
    """Dotted spec fields, or parts of the spec with all their fields, in which the claim itself
    departs from the paper's protocol, so that they make it no less comparable."""

    @model_validator(mode="after")
    def _ends(self) -> "Claim":
        if not self.measured.result and "at" not in type(self).model_fields:
            rule = "is of iterations alone; it is stated with at, of claims that have it"
            raise refuse("metric", rule, self.metric)
        return self

    @model_validator(mode="after")
    def _protocol_fits(self) -> "Claim":
        if (self.protocol is not None) != (self.metric in BY_PROTOCOL):
            rule = f"is stated with the metrics {' and '.join(BY_PROTOCOL)}, and with no other"
            raise refuse("protocol", rule, self.protocol)
        if self.protocol is not None:
            try:
                sides = ProtocolName.of(self.protocol).sides
            except ValueError:
                sides = ()
            if not sides:
                rule = "must be a protocol with its shorter sides, as ten-crop-256"
                raise refuse("protocol", rule, self.protocol)
        return self

    @classmethod
    def usual_margin(cls, data: dict[str, Any]) -> tuple[float, str]:
        """Return the default margin and its reason; ``data``: the fields that are stated."""
        return 0.5, "half a point, about twice what runs of one net differ by"

    @property
    def measured(self) -> Metric:
        """What the metric is."""
        return BY_CLAIM[self.metric]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the frame of runs that hold the metric. The claim must hold in each."""
        column = self.measured.result
        return (f"{self.protocol}.{column}" if self.protocol else column,)

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest value that a lost run might have had."""
        return self.measured.ends

    @property
    def variants(self) -> tuple[str, ...]:
        """Every variant that the claim names."""
        raise NotImplementedError

    @property
    def compared(self) -> tuple[str, ...]:
        """What there is a sample of: the variants, or the ensemble, by its name."""
        return self.variants

    @property
    def needed(self) -> int:
        """The number of runs the claim needs of each thing that it compares."""
        return max(2, self.least_seeds)

    def found(self, samples: Sequence[Sample], setting: Setting) -> "Finding":
        """Test the claim. Lost runs count against either verdict: the claim is supported, or
        refuted, only if it is so with them at both ends of the scale."""
        common = None
        if any(setting.paired):
            common = frozenset.intersection(*(frozenset(each.seeds) for each in samples))
        with_lost = [number for number, each in enumerate(samples) if each.lost]
        findings = []
        for ends in itertools.product(self.ends, repeat=len(with_lost)):
            end_of = dict(zip(with_lost, ends, strict=True))
            values = [
                each.filled(end_of.get(number, 0.0), common) for number, each in enumerate(samples)
            ]
            findings.append(self.tested(values, setting))
        worst = max(findings, key=lambda finding: finding.p)
        against = max(finding.p_against for finding in findings)
        return replace(worst, p_against=against, lost=sum(each.lost for each in samples))

    def tested(self, values: Sequence["np.ndarray"], setting: Setting) -> "Finding":
        """Test the claim on the values of each thing it compares, one value per run."""
        raise NotImplementedError

    def p_values(
        self, values: Sequence["np.ndarray"], paired: Sequence[bool] = ()
    ) -> tuple["np.ndarray", "np.ndarray"]:
        """Return p values for and against the claim, for many suites at once: runs are along the
        last axis."""
        raise NotImplementedError

    def chance(self, seeds: int, sd: float, setting: Setting) -> float:
        """Return the probability that ``seeds`` seeds support the claim if it is true and runs have
        standard deviation ``sd``."""
        raise NotImplementedError

    def drawn(self, rng: "np.random.Generator", suites: int, seeds: int, sd: float) -> "Values":
        """Return simulated values of each thing the claim compares, from suites in which it is true
        as ``chance`` assumes: as many runs per suite as seeds."""
        raise NotImplementedError

    def bounds(self, looks: tuple[int, ...], setting: Setting) -> "Bounds":
        """Return the p values up to which each look decides; ``looks``: runs of each variant at
        each look; ``setting.level``: the level of all looks. The looks' shares of it are added up,
        which is valid for every test."""
        from benchmark.statistics import sequential

        return [(bound, bound) for bound in sequential.added(looks, setting.level)]

    def sentence(self, finding: "Finding", outcome: str) -> str:
        """Describe what was found."""
        raise NotImplementedError

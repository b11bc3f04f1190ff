"""The base of all claims."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from benchmark.metrics import BY_CLAIM, BY_PROTOCOL, Metric, Name
from benchmark.spec.base import Spec, refuse
from benchmark.spec.protocol import ProtocolName
from benchmark.statistics import sequential
from benchmark.statistics.finding import Finding
from benchmark.statistics.sequential import Both, Bounds
from benchmark.suite.claims.sample import Sample, Setting

Values = Sequence[np.ndarray]
"""The values of each sample, one per run, which are on the last axis."""


class Claim(Spec):
    """What a suite sets out to show. The stated fields imply the kind of claim: see
    ``claims.kinds``."""

    question: ClassVar[str] = ""
    """Claims of one suite that ask the same question are a family: their tests are corrected for
    their number."""

    statement: str = Field(min_length=1)
    """The claim in one plain sentence."""

    metric: Name = "test_error_percent"
    """What is compared, one value per run; ``mean_response_std`` needs ``diagnostics.iterations``;
    top-1 and top-5 errors are those of ``protocol``; average precisions are for detectors; learning
    rates and the ratio of gradient norms (in powers of ten) need iterations: ``at``."""

    protocol: str | None = None
    """Full name of the protocol by which finished runs are tested: ``ten-crop-256``."""

    margin: float = Field(default=0.5, gt=0, le=100)
    """The difference, in the metric's unit, below which two values count as equal, and for which
    the power of a direction is computed. If a suite does not state it, it depends on the claim."""

    margin_reason: str | None = None
    """The reason for the margin."""

    least_seeds: int = Field(default=3, ge=1, le=1000)

    departs_in: tuple[str, ...] = Field(default=(), strict=False)
    """Dotted spec fields, or whole parts of the spec, in which the claim deliberately departs from
    the paper's protocol, so that they do not make it less comparable; or one value of a field:
    ``schedule.iterations=1800000``."""

    @model_validator(mode="after")
    def _ends(self) -> "Claim":
        if not self.measured.result and "at" not in type(self).model_fields:
            rule = "exists only at iterations; it needs a claim with at"
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
                rule = "must be a protocol with its shorter sides, e.g. ten-crop-256"
                raise refuse("protocol", rule, self.protocol)
        return self

    @classmethod
    def usual_margin(cls, data: dict[str, Any]) -> tuple[float, str]:
        """Return the default margin and the reason for it; ``data``: the stated fields."""
        return 0.5, "half a point, about twice what runs of one net differ by"

    @property
    def measured(self) -> Metric:
        """The metric of ``metric``."""
        return BY_CLAIM[self.metric]

    @property
    def columns(self) -> tuple[str, ...]:
        """The metric's columns in the frame of runs. The claim must hold in each."""
        column = self.measured.result
        return (f"{self.protocol}.{column}" if self.protocol else column,)

    @property
    def last_iteration(self) -> int | None:
        """The last iteration that the claim is about; None: it is about the whole training."""
        return None

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest value that a lost run could have had."""
        return self.measured.ends

    @property
    def largest_margin(self) -> float:
        """The largest margin that the claim could state."""
        return self.ends[1] - self.ends[0]

    @property
    def variants(self) -> tuple[str, ...]:
        """Every variant that the claim names."""
        raise NotImplementedError

    @property
    def compared(self) -> tuple[str, ...]:
        """The names of what is compared, one sample each: variants, or the ensemble."""
        return self.variants

    @property
    def needed(self) -> int:
        """The number of runs that each sample needs."""
        return max(2, self.least_seeds)

    def found(self, samples: Sequence[Sample], setting: Setting) -> Finding:
        """Test the claim. Lost runs count against either verdict: it is supported, or refuted, only
        if that holds whichever of ``for_lost`` is taken for them."""
        common = None
        if any(setting.paired):
            common = frozenset.intersection(*(frozenset(each.seeds) for each in samples))
        with_lost = [number for number, each in enumerate(samples) if each.lost]
        findings = []
        tried = self.for_lost(samples)
        for chosen in itertools.product(*(tried[number] for number in with_lost)):
            value_of = dict(zip(with_lost, chosen, strict=True))
            values = [
                each.filled(value_of.get(number, 0.0), common)
                for number, each in enumerate(samples)
            ]
            findings.append(self.tested(values, setting))
        worst = max(findings, key=lambda finding: finding.p)
        against = max(finding.p_against for finding in findings)
        return replace(worst, p_against=against, lost=sum(each.lost for each in samples))

    def for_lost(self, samples: Sequence[Sample]) -> list[tuple[float, ...]]:
        """Return for each sample the values that its lost runs are tested with: those that support
        the claim least, and those that refute it least."""
        return [self.ends] * len(samples)

    def tested(self, values: Values, setting: Setting) -> Finding:
        """Test the claim on the values of each sample."""
        raise NotImplementedError

    def p_values(self, values: Values) -> Both:
        """Return p values for and against the claim, for many suites at once, whose runs are not
        pairs."""
        raise NotImplementedError

    def chance(self, seeds: int, sd: float, setting: Setting) -> float:
        """Return the probability that ``seeds`` seeds support the claim if it is true and ``sd`` is
        the standard deviation between runs."""
        raise NotImplementedError

    def drawn(self, rng: np.random.Generator, suites: int, seeds: int, sd: float) -> Values:
        """Simulate the values of each sample in suites where the claim is true, as in ``chance``:
        per suite as many runs as seeds."""
        raise NotImplementedError

    def bounds(self, looks: tuple[int, ...], setting: Setting) -> Bounds:
        """Return the p values up to which each look decides; ``looks``: runs of each variant at
        each look, ``setting.level``: the level of all looks. What the looks spend is added up,
        which is valid for every test."""
        return [(bound, bound) for bound in sequential.added(looks, setting.level)]

    def verdict(self, outcome: str, finding: Finding | None) -> str:
        """Return the verdict for an outcome of the test."""
        return outcome

    def sentence(self, finding: Finding, outcome: str) -> str:
        """Return a sentence on what was found."""
        raise NotImplementedError

"""Whether a suite's claims fit the runs that it plans."""

from collections.abc import Iterator, Sequence
from typing import Any

from benchmark.spec import CifarSpec, RunSpec
from benchmark.suite.claim import Claim
from benchmark.suite.plan import Cell
from benchmark.suite.problems import Broken


def unfit(claims: Sequence[Claim], cells: Sequence[Cell]) -> Iterator[Broken]:
    """Each claim about what no run has."""
    names = {cell.variant: cell.spec for cell in cells}
    rule = f"a claim's variants are the suite's: {', '.join(list(names)[:20])}"
    for number, claim in enumerate(claims):
        for named in claim.variants:
            if named not in names:
                yield ("claims", number), rule, named
            elif claim.metric == "mean_response_std" and not names[named].measured_at:
                needs = "mean_response_std needs a ResNet or plain net that is trained"
                yield ("claims", number, "metric"), needs, named
            elif claim.measure.of_detectors != _detects(names[named]):
                kind = "detector" if claim.measure.of_detectors else "classifier"
                needs = f"{claim.metric} needs a {kind}"
                yield ("claims", number, "metric"), needs, named
            elif claim.at and claim.at[-1] > names[named].schedule.iterations:
                needs = f"at must be within the {names[named].schedule.iterations} of {named}"
                yield ("claims", number, "at"), needs, claim.at[-1]
        scored = {_scored(names[v]) for v in claim.ensemble or () if v in names}
        if len(scored) > 1:
            needs = "an ensemble's variants are scored on the same images"
            yield ("claims", number, "ensemble"), needs, list(claim.ensemble or ())


def _detects(spec: RunSpec) -> bool:
    return spec.detector is not None


def _scored(spec: RunSpec) -> tuple[Any, ...]:
    """Which images."""
    data = spec.dataset
    return data.name, data.only_classes if isinstance(data, CifarSpec) else None

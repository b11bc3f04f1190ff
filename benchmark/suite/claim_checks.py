"""Whether a suite's claims fit the runs that it plans."""

from collections.abc import Iterator, Sequence
from typing import Any

from benchmark.spec import CifarSpec, RunSpec
from benchmark.suite.claims import Claim, DirectionClaim, EqualityClaim, PublishedClaim
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
            elif claim.metric == "validation_error_percent" and (
                "validation" not in names[named].splits
            ):
                needs = "validation_error_percent needs dataset.held_out_images above 0"
                yield ("claims", number, "metric"), needs, named
            elif claim.measured.of_detectors != _detects(names[named]):
                kind = "detector" if claim.measured.of_detectors else "classifier"
                needs = f"{claim.metric} needs a {kind}"
                yield ("claims", number, "metric"), needs, named
            elif (at := _at(claim)) and at[-1] > names[named].schedule.iterations:
                needs = f"at must be within the {names[named].schedule.iterations} of {named}"
                yield ("claims", number, "at"), needs, at[-1]
        together = (claim.ensemble or ()) if isinstance(claim, PublishedClaim) else ()
        if len({_scored(names[v]) for v in together if v in names}) > 1:
            needs = "an ensemble's variants are scored on the same images"
            yield ("claims", number, "ensemble"), needs, list(together)
    equal = {_pair(claim) for claim in claims if isinstance(claim, EqualityClaim)}
    for number, claim in enumerate(claims):
        if isinstance(claim, DirectionClaim) and not claim.at and _pair(claim) in equal:
            needs = "two variants cannot be claimed to be equal and one of them lower"
            yield ("claims", number, "direction"), needs, claim.direction


def _at(claim: Claim) -> tuple[int, ...]:
    return (claim.at or ()) if isinstance(claim, DirectionClaim) else ()


def _pair(claim: Claim) -> tuple[Any, ...]:
    """What is compared, whichever way."""
    return frozenset(claim.variants), claim.metric, claim.protocol


def _detects(spec: RunSpec) -> bool:
    return spec.detector is not None


def _scored(spec: RunSpec) -> tuple[Any, ...]:
    """Which images."""
    data = spec.dataset
    return data.name, data.only_classes if isinstance(data, CifarSpec) else None

"""Checks that a suite's claims fit the runs that it plans."""

from collections.abc import Iterator, Sequence
from typing import Any

from benchmark.spec import CifarSpec, RunSpec, VggSpec
from benchmark.spec.protocol import ProtocolName
from benchmark.suite.claims import (
    Claim,
    ClaimAtIterations,
    DirectionClaim,
    EqualityClaim,
    PublishedClaim,
)
from benchmark.suite.claims.share import ShareClaim
from benchmark.suite.plan import Cell
from benchmark.suite.problems import Broken


def unfit(claims: Sequence[Claim], cells: Sequence[Cell]) -> Iterator[Broken]:
    """Yield a broken rule for each claim that the planned runs cannot answer."""
    told = [claim.statement for claim in claims]
    for number, statement in enumerate(told):
        if statement in told[:number]:
            needs = "each claim needs a statement of its own, as verdicts are told apart by it"
            yield ("claims", number, "statement"), needs, statement
    names = {cell.variant: cell.spec for cell in cells}
    rule = f"a claim's variants are the suite's: {', '.join(list(names)[:20])}"
    for number, claim in enumerate(claims):
        for named in claim.variants:
            if named not in names:
                yield ("claims", number), rule, named
            elif claim.metric in _OF_LAYERS and not names[named].measured_at:
                needs = f"{claim.metric} needs a ResNet or plain net that is trained"
                yield ("claims", number, "metric"), needs, named
            elif claim.metric == "validation_error_percent" and (
                "validation" not in names[named].splits
            ):
                needs = "validation_error_percent needs dataset.held_out_images above 0"
                yield ("claims", number, "metric"), needs, named
            elif claim.measured.of_detectors != (names[named].detector is not None):
                kind = "detector" if claim.measured.of_detectors else "classifier"
                needs = f"{claim.metric} needs a {kind}"
                yield ("claims", number, "metric"), needs, named
            elif claim.protocol and not ProtocolName.of(claim.protocol).fits(
                crop := names[named].dataset.image_shape[0]
            ):
                needs = f"protocol must have a shorter side of at least the {crop} of {named}"
                yield ("claims", number, "protocol"), needs, claim.protocol
            elif (
                isinstance(claim, ClaimAtIterations)
                and claim.at
                and claim.at[-1] > names[named].schedule.iterations
            ):
                needs = f"at must be within the {names[named].schedule.iterations} of {named}"
                yield ("claims", number, "at"), needs, claim.at[-1]
            elif (
                isinstance(claim, DirectionClaim)
                and claim.moderated
                and (why := _may_end_at_two_places(named, names[named], claims))
            ):
                needs = f"is not for runs that may end in one of two modes: {why}"
                yield ("claims", number, "moderated"), needs, named
        together = (claim.ensemble or ()) if isinstance(claim, PublishedClaim) else ()
        if len({_scored(names[v]) for v in together if v in names}) > 1:
            needs = "an ensemble's variants must be scored on the same images"
            yield ("claims", number, "ensemble"), needs, list(together)
    equal = {_pair(claim) for claim in claims if isinstance(claim, EqualityClaim)}
    for number, claim in enumerate(claims):
        if isinstance(claim, DirectionClaim) and not claim.at and _pair(claim) in equal:
            needs = "two variants cannot be claimed both equal and different"
            yield ("claims", number, "direction"), needs, claim.direction


_OF_LAYERS = ("mean_response_std", "gradient_norm_decades")

_DEEPEST_PLAIN = 56
"""Depth of a plain net for which others saw five runs within 0.7 points of each other."""


def _may_end_at_two_places(variant: str, spec: RunSpec, claims: Sequence[Claim]) -> str:
    """Return why a variant's runs may end in one of two modes; empty if nothing suggests it."""
    if any(isinstance(claim, ShareClaim) and claim.variant == variant for claim in claims):
        return "the suite claims a share of them"
    net = spec.model
    if isinstance(net, VggSpec) or net.shortcut != "none":
        return ""
    if net.batch_norm is None:
        return "a plain net without batch normalisation"
    return f"a plain net of more than {_DEEPEST_PLAIN} layers" * (net.depth > _DEEPEST_PLAIN)


def _pair(claim: Claim) -> tuple[Any, ...]:
    """Return what is compared, regardless of direction."""
    return frozenset(claim.variants), claim.metric, claim.protocol


def _scored(spec: RunSpec) -> tuple[Any, ...]:
    """Return a key for the images that are scored."""
    data = spec.dataset
    return data.name, data.only_classes if isinstance(data, CifarSpec) else None

"""Which claims of a suite are corrected together, and which runs are pairs."""

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any

from benchmark.spec import RunSpec
from benchmark.suite.claims.base import Claim
from benchmark.suite.claims.published import PublishedClaim


def family_sizes(claims: Sequence[Claim], as_published: Collection[str] = ()) -> list[int]:
    """Of each claim's family: the claims of the suite that ask the same question, known before a
    run has ended. Where nothing is drawn there is nothing to correct.

    ``as_published``: variants that are nets of published weights.
    """
    drawn = [claim for claim in claims if not of_published_weights(claim, as_published)]
    asked = [claim.question for claim in drawn]
    return [max(1, asked.count(claim.question)) if claim in drawn else 1 for claim in claims]


def of_published_weights(claim: Claim, as_published: Collection[str]) -> bool:
    """Whether a published number is compared with a net of published weights, which, unlike those
    of a run, no seed makes others."""
    return isinstance(claim, PublishedClaim) and claim.variant in as_published


def nets_as_published(specs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The variants that are nets of published weights, by their specs as plain data."""
    begun = {variant: spec.get("pretrained") for variant, spec in specs.items()}
    return [
        variant
        for variant, own in begun.items()
        if own and own["mode"] == "as-published" and own["source"] != "run"
    ]


def pairs_in(claim: Claim, specs: Mapping[str, Mapping[str, Any]]) -> tuple[bool, ...]:
    """For each two neighbours that the claim compares: whether their runs of one seed share
    weights, as one begins from the other or both from a third run. ``specs``: those of one seed."""
    if claim.compared != claim.variants:
        return ()
    roots = [begun_from(variant, specs) for variant in claim.variants]
    return tuple(bool(first & second) for first, second in pairwise(roots))


def begun_from(variant: str, specs: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """The variant itself, and each run that it begins from, through others or not: by the name
    where it is a variant, else by the id."""
    found = {variant}
    begun = specs[variant].get("pretrained")
    while begun and begun["source"] == "run" and begun["name"] not in found:
        run_id = begun["name"]
        own = [
            name for name, spec in specs.items() if RunSpec.model_validate(spec).digest() == run_id
        ]
        found |= {run_id, *own}
        begun = specs[own[0]].get("pretrained") if own else None
    return found

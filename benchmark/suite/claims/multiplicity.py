"""The families of claims that are corrected together, and the runs that are pairs."""

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any

from benchmark.spec import RunSpec
from benchmark.suite.claims.base import Claim
from benchmark.suite.claims.published import PublishedClaim


def family_sizes(claims: Sequence[Claim], as_published: Collection[str] = ()) -> list[int]:
    """Return the size of each claim's family: the claims of the suite that ask the same question,
    which is known before any run finishes. Claims without randomness need no correction.

    ``as_published``: variants that are nets with published weights.
    """
    drawn = [claim for claim in claims if not of_published_weights(claim, as_published)]
    asked = [claim.question for claim in drawn]
    return [max(1, asked.count(claim.question)) if claim in drawn else 1 for claim in claims]


def of_published_weights(claim: Claim, as_published: Collection[str]) -> bool:
    """Return whether a claim compares a published number with a net with published weights, which,
    unlike a run's, depend on no seed."""
    return isinstance(claim, PublishedClaim) and claim.variant in as_published


def nets_as_published(specs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the variants that are nets with published weights. ``specs``: as plain data."""
    begun = {variant: spec.get("pretrained") for variant, spec in specs.items()}
    return [
        variant
        for variant, own in begun.items()
        if own and own["mode"] == "as-published" and own["source"] != "run"
    ]


def pairs_in(claim: Claim, specs: Mapping[str, Mapping[str, Any]]) -> tuple[bool, ...]:
    """Return for each two adjacent variants of the claim whether their runs with the same seed
    share weights, as one starts from the other or both from a third. ``specs``: for one seed."""
    if claim.compared != claim.variants:
        return ()
    roots = [begun_from(variant, specs) for variant in claim.variants]
    return tuple(bool(first & second) for first, second in pairwise(roots))


def begun_from(variant: str, specs: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return the variant itself and each run that it starts from, directly or indirectly: by name
    if it is a variant, else by id."""
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

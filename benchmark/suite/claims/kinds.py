"""The kinds of claims, and the kind that the fields of a suite file imply."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, SerializeAsAny, TypeAdapter

from benchmark.spec.base import refuse
from benchmark.suite.claims.amount import AmountClaim
from benchmark.suite.claims.base import Claim
from benchmark.suite.claims.bound import BoundClaim
from benchmark.suite.claims.direction import DirectionClaim
from benchmark.suite.claims.divergence import DivergenceClaim
from benchmark.suite.claims.equality import EqualityClaim
from benchmark.suite.claims.published import PublishedClaim
from benchmark.suite.claims.share import ShareClaim
from benchmark.suite.claims.trend import TrendClaim

KINDS: dict[str, type[Claim]] = {
    "published": PublishedClaim,
    "against, lower or higher": DirectionClaim,
    "against, equal": EqualityClaim,
    "against, difference": AmountClaim,
    "trend": TrendClaim,
    "bound": BoundClaim,
    "bound, share_percent": ShareClaim,
    "diverge_percent": DivergenceClaim,
}
"""What is stated -> the kind of claim."""

_ONE_OF = ("published", "against", "trend", "bound", "diverge_percent")


def _of_its_kind(data: Any) -> Claim:
    """Return the claim, with its kind's default margin and the reason for it if none is stated.
    Null fields are dropped, as plans of earlier versions have every field of every kind."""
    if isinstance(data, Claim):
        return data
    if not isinstance(data, Mapping):
        raise refuse("statement", "a claim is a mapping of fields", data)
    stated = {field: value for field, value in data.items() if value is not None}
    kind = _kind_of(stated)
    if "margin" not in stated:
        stated["margin"], stated["margin_reason"] = kind.usual_margin(stated)
    return kind.model_validate(stated)


AnyClaim = Annotated[SerializeAsAny[Claim], BeforeValidator(_of_its_kind)]
"""A field that holds a claim of the kind that its own fields imply."""

_ANY_CLAIM = TypeAdapter(AnyClaim)


def claim_of(**fields: Any) -> Claim:
    """Return the claim that the fields of a suite file state. Raises ValidationError."""
    return _ANY_CLAIM.validate_python(fields)


def _kind_of(stated: Mapping[str, Any]) -> type[Claim]:
    """Return the kind that the stated fields imply. Raises if they imply none or several, or if a
    field is missing or does not belong to the kind."""
    named = [field for field in _ONE_OF if field in stated]
    if len(named) != 1:
        rule = f"a claim has exactly one of {', '.join(_ONE_OF)}"
        raise refuse(named[-1] if named else "published", rule, named)
    kind = KINDS[_name(named[0], stated)]
    known = {field for each in KINDS.values() for field in each.model_fields}
    for field in stated:
        if field in known and field not in kind.model_fields:
            raise refuse(field, _rule(field), stated[field])
    for field, info in kind.model_fields.items():
        if info.is_required() and field not in stated and field != "statement":
            raise refuse(field, _rule(field), None)
    return kind


def _name(named: str, stated: Mapping[str, Any]) -> str:
    if named == "bound":
        return "bound, share_percent" if "share_percent" in stated else "bound"
    if named != "against":
        return named
    if "difference" in stated:
        return "against, difference"
    return "against, equal" if stated.get("direction") == "equal" else "against, lower or higher"


def _rule(field: str) -> str:
    """Return the rule that says which kinds have a field."""
    having = {name for name, kind in KINDS.items() if field in kind.model_fields}
    words = []
    for first in _ONE_OF:
        own = {name for name in KINDS if name.split(",")[0] == first}
        words += [first] if own <= having else sorted(f"({name})" for name in own & having)
    return f"is stated with {' or '.join(words)}, and with no other"

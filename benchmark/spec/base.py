"""The base of every spec: frozen, strict about types and keys, with a canonical form."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
)
from pydantic_core import PydanticCustomError

Ints = Annotated[tuple[int, ...], Field(strict=False)]
"""A tuple of integers; a YAML or JSON list is accepted, but its items must be integers."""

UNSIGNED = AfterValidator(lambda number: number + 0.0)
"""Validator of numbers that may be 0: turns -0.0 into 0.0, so that equal specs have equal text."""

MEASURED = "measured"
"""Marks a field that only says what is measured: neither the trained weights nor the id depend on
it."""

TOLD = "told"
"""Marks a field that is always in the canonical form, even with its default: the one that selects
the member of a union."""


class Spec(BaseModel):
    """A frozen description. Unknown keys, wrong types, NaN and infinity are rejected."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True
    )

    def stated(self) -> dict[str, Any]:
        """Return the fields that the id depends on and that differ from their defaults, as plain
        data.

        A new field whose default keeps the old behavior therefore changes no id; a default itself
        must never change.
        """
        plain = self.model_dump(mode="json")
        return {
            name: value.stated() if isinstance(value := getattr(self, name), Spec) else plain[name]
            for name, field in type(self).model_fields.items()
            if MEASURED not in field.metadata
            and (TOLD in field.metadata or getattr(self, name) != field.get_default())
        }

    def canonical_json(self) -> str:
        """Return ``stated()`` as JSON, keys sorted, no white space: equal specs, equal text."""
        return _canonical(self.stated())

    def digest(self) -> str:
        """Return the first 16 hexadecimal digits of the SHA-256 of ``canonical_json()``."""
        return digest_of(self.stated())


def digest_of(stated: Mapping[str, Any]) -> str:
    """Return the digest of a spec that states this."""
    return hashlib.sha256(_canonical(stated).encode()).hexdigest()[:16]


def _canonical(stated: Mapping[str, Any]) -> str:
    return json.dumps(stated, sort_keys=True, separators=(",", ":"))


def refuse(field: str, rule: str, received: Any) -> PydanticCustomError:
    """Return the error of a rule that spans several fields, reported for the field to fix."""
    return PydanticCustomError(
        "rule", "{rule}", {"field": field, "rule": rule, "received": received}
    )


def tag(name: str) -> Tag:
    """Return the tag of the union member that a field such as ``kind`` selects by ``name``."""
    return Tag(_TAG.format(name))


def is_tag(part: Any) -> bool:
    """Return whether a part of a pydantic error's location is a union member's tag, not a field."""
    return isinstance(part, str) and part.startswith("<") and part.endswith(">")


_TAG = "<{}>"


def told_by(
    field: str, names: tuple[str, ...], implied: Callable[[Mapping[str, Any]], str | None]
) -> tuple[Discriminator, BeforeValidator]:
    """Return the annotations of a union whose member ``field`` selects: one of ``names``. If it is
    left out, ``implied`` gives it from the other fields; if that is None, it is required."""

    def filled(data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        name = data[field] if field in data else implied(data)
        if name not in names:
            rule = f"must be {'one of ' if len(names) > 1 else ''}{', '.join(names)}"
            raise refuse(field, rule, name if field in data else "nothing")
        return {**data, field: name}

    def told(data: Any) -> str:
        of_data = data.get(field) if isinstance(data, Mapping) else getattr(data, field, names[0])
        return _TAG.format(of_data)

    return Discriminator(told), BeforeValidator(filled)

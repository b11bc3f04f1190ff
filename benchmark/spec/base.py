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
"""A tuple of integers; a YAML or JSON list is accepted, its items are held to be integers."""

UNSIGNED = AfterValidator(lambda number: number + 0.0)
"""For numbers that may be 0: makes -0.0, which equals 0.0, have its text too."""

MEASURED = "measured"
"""Marks a field that says what is only measured: no trained weight depends on it, and neither does
the id."""

TOLD = "told"
"""Marks a field that is always in the canonical form, with its default too: the one that names a
member of a union."""


class Spec(BaseModel):
    """A frozen description. Unknown keys, wrong types, NaN and infinity are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True
    )

    def stated(self) -> dict[str, Any]:
        """As plain data, each field that the id depends on and that differs from its default.

        So a new field whose default means what was done before leaves every id as it is; a default
        itself must never change.
        """
        plain = self.model_dump(mode="json")
        return {
            name: value.stated() if isinstance(value := getattr(self, name), Spec) else plain[name]
            for name, field in type(self).model_fields.items()
            if MEASURED not in field.metadata
            and (TOLD in field.metadata or getattr(self, name) != field.get_default())
        }

    def canonical_json(self) -> str:
        """``stated()`` with its keys sorted and without white space: equal specs, equal text."""
        return json.dumps(self.stated(), sort_keys=True, separators=(",", ":"))

    def digest(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of ``canonical_json()``."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()[:16]


def refuse(field: str, rule: str, received: Any) -> PydanticCustomError:
    """The error of a rule that joins several fields, pinned on the field to be mended."""
    return PydanticCustomError(
        "rule", "{rule}", {"field": field, "rule": rule, "received": received}
    )


def tag(name: str) -> Tag:
    """Marks the member of a union that a field such as ``kind`` calls ``name``."""
    return Tag(_TAG.format(name))


def is_tag(part: Any) -> bool:
    """Whether a part of the place of one of pydantic's errors is a member's tag, and no field."""
    return isinstance(part, str) and part.startswith("<") and part.endswith(">")


_TAG = "<{}>"


def told_by(
    field: str, names: tuple[str, ...], implied: Callable[[Mapping[str, Any]], str | None]
) -> tuple[Discriminator, BeforeValidator]:
    """The annotations of a union whose members ``field`` tells apart: ``names``, or what the other
    fields imply where it is left out; None: it must be stated."""

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

"""The base of every spec: frozen, strict about types and keys, with a canonical form."""

import hashlib
import json
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

Ints = Annotated[tuple[int, ...], Field(strict=False)]
"""A tuple of integers; a YAML or JSON list is accepted, its items are held to be integers."""

UNSIGNED = AfterValidator(lambda number: number + 0.0)
"""For numbers that may be 0: makes -0.0, which equals 0.0, have its text too."""


class Spec(BaseModel):
    """A frozen description. Unknown keys, wrong types, NaN and infinity are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True
    )

    def canonical_json(self) -> str:
        """Every field that has not its default, keys sorted, no white space: equal specs, equal
        text. So a new field whose default means what was done before leaves each text as it is;
        a default itself must never change."""
        stated = self.model_dump(mode="json", exclude_defaults=True)
        return json.dumps(stated, sort_keys=True, separators=(",", ":"))

    def digest(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of ``canonical_json()``."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()[:16]


def refuse(field: str, rule: str, received: Any) -> PydanticCustomError:
    """The error of a rule that joins several fields, pinned on the field to be mended."""
    return PydanticCustomError(
        "rule", "{rule}", {"field": field, "rule": rule, "received": received}
    )

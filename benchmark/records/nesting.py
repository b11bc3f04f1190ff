"""Flattening of nested mappings."""

from typing import Any


def flattened(data: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one with dotted names; an empty or absent part stays one value."""
    flat: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict) and value:
            flat |= flattened(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat

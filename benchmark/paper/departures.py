"""Departures of a run from a paper's protocol."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_ABSENT = object()


@dataclass(frozen=True)
class Departure:
    """A field in which a run departs from its protocol."""

    field: str
    """Dotted name of the spec's field."""
    value: Any
    """The run's value; None if the field is off, a tuple instead of a list."""
    agreed: tuple[Any, ...]
    """The values that agree with the paper."""


def told(departure: Departure) -> str:
    """Return a departure in words: ``schedule.iterations is 400, not 64000``."""
    agreed = departure.agreed
    text = " or ".join(map(_text, agreed))
    if len(agreed) > 2:
        text = f"one of the paper's {', '.join(map(_text, agreed))}"
    return f"{departure.field} is {_text(departure.value)}, not {text}"


@dataclass(frozen=True)
class Protocol:
    """How a paper trained and tested on certain data sets."""

    section: str
    """The section of the paper that describes it."""
    fields: Mapping[str, tuple[Any, ...]]
    """Dotted spec field -> the values that agree with the paper. What the paper leaves open is not
    listed."""
    needed: tuple[str, ...] = ()
    """Fields that must be on, with any value."""
    further: Callable[[Mapping[str, Any]], list[Departure]] = lambda spec: []
    """Departures that depend on several fields."""
    open: Mapping[str, str] = field(default_factory=dict)
    """Dotted spec field that the paper does not state, or states ambiguously -> a remark."""

    def departures(self, spec: Mapping[str, Any], unsaid: tuple[str, ...] = ()) -> list[Departure]:
        """Return a run's departures. ``spec`` is nested plain data; ``unsaid``: prefixes of the
        fields that the paper says nothing about."""
        found = []
        for name, agreed in self.fields.items():
            value = _ABSENT if name.startswith(unsaid) else _at(spec, name)
            if value is not _ABSENT and value not in agreed:
                found.append(Departure(name, value, agreed))
        for name in self.needed:
            if not name.startswith(unsaid) and _at(spec, name) is None:
                found.append(Departure(name, None, ("on",)))
        return found + self.further(spec)

    def choices(self, spec: Mapping[str, Any]) -> list[str]:
        """Return what a run has where the paper is open, in words: ``model.zero_pad is end``."""
        values = {name: _at(spec, name) for name in self.open}
        return [
            f"{name} is {_text(value)}" + (f" ({self.open[name]})" if self.open[name] else "")
            for name, value in values.items()
            if value is not _ABSENT and value is not None
        ]


def _at(spec: Mapping[str, Any], field: str) -> Any:
    """Return a field's value; ``_ABSENT`` if its parent is off or of another kind."""
    here: Any = spec
    for part in field.split("."):
        here = _ABSENT if here is None else here.get(part, _ABSENT)
        if here is _ABSENT:
            return _ABSENT
    return tuple(here) if isinstance(here, list) else here


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items() if item is not None)
    if isinstance(value, tuple):
        return "/".join(map(_text, value)) or "none"
    return "off" if value is None else str(value)

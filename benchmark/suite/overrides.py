"""What base, grid and variants set of a spec; each field is set in one place."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import chain
from typing import Any, NamedTuple

from benchmark.suite.problems import Broken, Place

Overrides = dict[str, Any]
"""Dotted spec field -> value."""


class Setting(NamedTuple):
    """One field that a suite sets."""

    field: Place
    """Its path in a spec."""
    place: Place
    """Where the file sets it."""
    value: Any


def settings(overrides: Mapping[str, Any], *section: str | int) -> list[Setting]:
    """Of the part of a suite file at ``section``."""
    return [Setting(tuple(d.split(".")), (*section, d), value) for d, value in overrides.items()]


def overridden(base: dict[str, Any], overrides: Overrides) -> dict[str, Any]:
    """A copy of ``base`` with each dotted field set; other fields keep their values."""
    data = deepcopy(base)
    for dotted, value in overrides.items():
        *parents, leaf = dotted.split(".")
        here = data
        for parent in parents:
            here = here.setdefault(parent, {})
        here[leaf] = deepcopy(value)
    return data


def conflicts(
    base: dict[str, Any], grid: dict[str, list[Any]], variants: Sequence[Overrides]
) -> Iterator[Broken]:
    """Every setting that would overwrite another, or whose field is not a suite's to set."""
    of_grid = settings(grid, "vary", "grid")
    of_variants = [settings(own, "vary", "variants", i) for i, own in enumerate(variants)]
    for own in of_variants or [[]]:
        yield from _set_twice(own + of_grid)
    for setting in chain(of_grid, *of_variants):
        yield from _set_within_a_value(setting, base)
    for setting in chain(settings(base, "base"), of_grid, *of_variants):
        if setting.field[0] == "seed":
            yield setting.place, "seed is set by seeds alone", setting.value


def _set_twice(together: list[Setting]) -> Iterator[Broken]:
    """Sorted by field, a field stands right before its parts."""
    whole: Setting | None = None
    for setting in sorted(together, key=lambda setting: setting.field):
        if whole and setting.field[: len(whole.field)] == whole.field:
            where = ".".join(map(str, whole.place))
            yield setting.place, f"a field is set once; {where} sets it as well", setting.value
        else:
            whole = setting


def _set_within_a_value(setting: Setting, base: dict[str, Any]) -> Iterator[Broken]:
    here: Any = base
    for length, name in enumerate(setting.field[:-1], start=1):
        here = here.get(name, {})
        if not isinstance(here, dict):
            where = ".".join(("base", *map(str, setting.field[:length])))
            yield setting.place, f"sets a part of {where}, which must be a mapping", here
            return

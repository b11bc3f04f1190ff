"""The spec fields that base, grid and variants set; each field is set in one place."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import chain
from typing import Any, NamedTuple

from benchmark.suite.problems import Broken, Place
from benchmark.suite.yaml_document import MAX_DEPTH, OPTION, field_of

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
    """Return the settings of the part of a suite file at ``section``."""
    return [Setting(tuple(d.split(".")), (*section, d), value) for d, value in overrides.items()]


def overridden(base: dict[str, Any], overrides: Overrides) -> dict[str, Any]:
    """Return a copy of ``base`` with each dotted field set; other fields keep their values."""
    data = deepcopy(base)
    for dotted, value in overrides.items():
        *parents, leaf = dotted.split(".")
        here = data
        for parent in parents:
            here = here.setdefault(parent, {})
        here[leaf] = deepcopy(value)
    return data


def conflicts(
    base: dict[str, Any],
    grid: dict[str, list[Any]],
    variants: Sequence[Overrides],
    changes: Overrides,
) -> Iterator[Broken]:
    """Yield every setting that would overwrite another, or whose field a suite may not set.

    ``changes``: the fields that the command line sets for all runs.
    """
    of_grid, of_all = settings(grid, "vary", "grid"), settings(changes, OPTION)
    of_variants = [settings(own, "vary", "variants", i) for i, own in enumerate(variants)]
    for own in of_variants or [[]]:
        yield from _set_twice(own + of_grid)
    yield from _set_twice(of_all)
    varied = [*of_grid, *chain(*of_variants)]
    for setting in of_all:
        yield from _varied(setting, varied)
    for setting in (*varied, *of_all):
        yield from _set_within_a_value(setting, base)
    for setting in (*settings(base, "base"), *varied, *of_all):
        if setting.field[0] == "seed":
            yield setting.place, "seed is set only by seeds", setting.value
        if len(setting.field) > MAX_DEPTH:
            yield setting.place, f"is nested at most {MAX_DEPTH} deep", "more"


def _varied(setting: Setting, varied: Sequence[Setting]) -> Iterator[Broken]:
    """Yield a field set for all runs that the suite varies: it would make these runs the same."""
    for other in varied:
        common = min(len(setting.field), len(other.field))
        if setting.field[:common] == other.field[:common]:
            where = field_of(other.place)
            yield setting.place, f"is varied by the suite, in {where}", setting.value
            return


def _set_twice(together: list[Setting]) -> Iterator[Broken]:
    """Yield fields set twice. Sorted by field, a field comes right before its parts."""
    whole: Setting | None = None
    for setting in sorted(together, key=lambda setting: setting.field):
        if whole and setting.field[: len(whole.field)] == whole.field:
            where = field_of(whole.place)
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

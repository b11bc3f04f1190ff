"""The cells of a suite: each variant at each point of the grid with each seed, with checked
specs."""

import itertools
import math
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from benchmark.spec import RunSpec
from benchmark.suite.claim_checks import unfit
from benchmark.suite.names import NAME
from benchmark.suite.overrides import Overrides, conflicts, overridden, settings
from benchmark.suite.plan import MAX_CELLS, Cell, Plan, variant_name
from benchmark.suite.problems import Broken, Place, rule_of
from benchmark.suite.schema import Suite
from benchmark.suite.yaml_document import OPTION, Document


def planned(document: Document, suite: Suite, changes: Overrides) -> Plan:
    """Return the plan of a suite, read from ``document``. Raises SuiteError.

    ``changes``: fields that the command line sets for all cells.
    """
    document.check(_broken_before_planning(suite, changes))
    grid = suite.vary.grid
    stated: list[tuple[str | None, Overrides]] = [
        (variant.name, variant.overrides) for variant in suite.vary.variants or ()
    ]
    points = itertools.product(*(range(len(values)) for values in grid.values()))
    broken: list[Broken] = []
    cells: list[Cell] = []
    names: set[str] = set()
    runs: dict[tuple[str, int], str] = {}
    for (number, (name, own)), at in itertools.product(enumerate(stated or [(None, {})]), points):
        indices = dict(zip(grid, at, strict=True))
        point = {dotted: grid[dotted][index] for dotted, index in indices.items()}
        try:
            data = overridden(suite.base, own | point | changes)
            specs = [
                RunSpec.model_validate({**_begun(data, runs, seed), "seed": seed})
                for seed in suite.all_seeds
            ]
        except ValidationError as error:
            places = _places(number, own, indices, changes)
            for details in error.errors():
                place, rule, received = rule_of(details)
                broken.append((_origin(place, places), rule, received))
            if len(broken) >= 1000:
                break
            continue
        variant = variant_name(name, specs[0], point)
        if not NAME.fullmatch(variant):
            rule = "a variant's name has at most 100 characters; name the variants in vary.variants"
            broken.append((("vary",), rule, variant))
        if variant in names:
            rule = "each variant needs a unique name; name them in vary.variants"
            broken.append((("vary",), rule, variant))
        names.add(variant)
        at_seeds = [Cell(variant, spec.seed, spec) for spec in specs]
        runs |= {(variant, cell.seed): cell.run_id for cell in at_seeds}
        cells += at_seeds
    document.check(broken)
    document.check(unfit(suite.claims, cells))
    return Plan(suite.name, tuple(cells))


def _begun(data: dict[str, Any], runs: dict[tuple[str, int], str], seed: int) -> dict[str, Any]:
    """Return ``data`` with the name of the variant whose weights it starts from, which must come
    earlier, replaced by its run's id."""
    match data:
        case {"pretrained": {"source": "run", "name": str(name), **stated}} if (name, seed) in runs:
            begun = stated | {"source": "run", "name": runs[name, seed]}
            return data | {"pretrained": begun}
    return data


def _broken_before_planning(suite: Suite, changes: Overrides) -> Iterator[Broken]:
    grid, variants = suite.vary.grid, suite.vary.variants or ()
    count = (len(variants) or 1) * math.prod(map(len, grid.values())) * len(suite.all_seeds)
    if count > MAX_CELLS:
        yield ("vary",), f"a suite has at most {MAX_CELLS} cells", count
    if len(set(suite.all_seeds)) < len(suite.all_seeds):
        yield ("seeds",), "each seed may be listed only once", list(suite.all_seeds)
    yield from conflicts(suite.base, grid, [variant.overrides for variant in variants], changes)


def _places(
    number: int, own: Overrides, indices: dict[str, int], changes: Overrides
) -> dict[Place, Place]:
    """Return spec field -> where it is set, for one variant at one point of the grid."""
    of_variant = settings(own, "vary", "variants", number)
    of_grid = settings(indices, "vary", "grid")
    return {field: place for field, place, _ in (*of_variant, *settings(changes, OPTION))} | {
        field: (*place, index) for field, place, index in of_grid
    }


def _origin(place: Place, places: dict[Place, Place]) -> Place:
    """Return where the suite sets the spec field at ``place``, or the field that contains it."""
    for length in range(len(place), 0, -1):
        if place[:length] in places:
            return (*places[place[:length]], *place[length:])
    return ("seeds", *place[1:]) if place[0] == "seed" else ("base", *place)

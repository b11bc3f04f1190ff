"""The suite file: what is trained, varied and claimed."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from benchmark.spec import RunSpec
from benchmark.spec.base import Ints, Spec
from benchmark.suite.claim import Claim
from benchmark.suite.plan import (
    MAX_CELLS,
    Cell,
    Overrides,
    Plan,
    combinations,
    overridden,
    variant_name,
)
from benchmark.suite.problems import Place, Problem, SuiteError, rule_of
from benchmark.suite.yaml_document import Document

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=+-]{0,99}")
RESERVED = {"runs", "mlartifacts", "mlflow.db"}
"""What else stands in a results folder, beside the suites' own folders."""


def _checked_name(name: str) -> str:
    if not NAME.fullmatch(name) or name in RESERVED:
        raise ValueError(
            "should be 1 to 100 letters, digits or any of . _ = + -, beginning with a letter or "
            f"digit, and none of {', '.join(sorted(RESERVED))}"
        )
    return name


Name = Annotated[str, AfterValidator(_checked_name)]


class Variant(Spec, extra="allow"):
    """A name, and dotted spec fields with the values that set it apart."""

    name: Name

    @property
    def overrides(self) -> Overrides:
        """Dotted spec field -> value."""
        return self.model_extra or {}


class Vary(Spec):
    """What sets the runs apart: each variant at each point of the grid."""

    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}
    """Dotted spec field -> the values it takes."""

    variants: Annotated[tuple[Variant, ...], Field(strict=False, min_length=1)] | None = None
    """An explicit list."""


class Suite(Spec):
    """A suite file's fields."""

    name: Name
    source: str = Field(min_length=1)
    """The table, figure or section of the paper, or what the suite adds to it."""

    base: dict[str, Any]
    """The spec's fields that all runs share."""

    vary: Vary = Vary()
    seeds: Ints = Field(min_length=1)
    claims: tuple[Claim, ...] = Field(default=(), strict=False)


@dataclass(frozen=True)
class LoadedSuite:
    """A suite, its file, and the plan that it makes."""

    path: Path
    suite: Suite
    plan: Plan


def load_suite(path: str | Path) -> LoadedSuite:
    """Read and plan a suite file. Raises SuiteError, which names every problem and its line."""
    path = Path(path)
    document = Document(path)
    try:
        suite = Suite.model_validate(document.data)
    except ValidationError as error:
        raise SuiteError(path, [_problem(document, *rule_of(e)) for e in error.errors()]) from error
    return LoadedSuite(path, suite, _plan(document, suite))


def _plan(document: Document, suite: Suite) -> Plan:
    variants = suite.vary.variants
    count = len(variants or (1,)) * math.prod(map(len, suite.vary.grid.values()))
    count *= len(suite.seeds)
    problems = list(_problems_before_planning(document, suite, count))
    if problems:
        raise SuiteError(document.path, problems)

    stated: Iterable[tuple[str | None, Overrides]] = (
        [(variant.name, variant.overrides) for variant in variants] if variants else [(None, {})]
    )
    cells: list[Cell] = []
    first: dict[str, Overrides] = {}
    for number, (name, own, point) in enumerate(combinations(stated, suite.vary.grid)):
        places = _places(suite, number // max(1, count_points(suite)), own, point)
        try:
            data = overridden(suite.base, own | point)
            specs = [RunSpec.model_validate({**data, "seed": seed}) for seed in suite.seeds]
        except ValidationError as error:
            for details in error.errors():
                place, rule, received = rule_of(details)
                problems.append(_problem(document, _origin(place, places), rule, received))
            if len(problems) >= 1000:
                break
            continue
        variant = variant_name(name, specs[0], point)
        if not NAME.fullmatch(variant):
            rule = "a variant's name is at most 100 characters; name the variants in vary.variants"
            problems.append(_problem(document, ("vary",), rule, variant))
        if variant in first:
            rule = "each variant needs a name of its own; name them in vary.variants"
            problems.append(_problem(document, ("vary",), rule, variant))
        first[variant] = point
        cells += [Cell(variant, seed, spec) for seed, spec in zip(suite.seeds, specs, strict=True)]
    for number, claim in enumerate(suite.claims):
        for named in set(claim.variants) - first.keys() if not problems else ():
            rule = f"a claim's variants are the suite's: {', '.join(list(first)[:20])}"
            problems.append(_problem(document, ("claims", number), rule, named))
    if problems:
        raise SuiteError(document.path, problems)
    return Plan(suite.name, tuple(cells))


def count_points(suite: Suite) -> int:
    """Points of the suite's grid."""
    return math.prod(map(len, suite.vary.grid.values()))


def _problems_before_planning(document: Document, suite: Suite, count: int) -> Iterable[Problem]:
    if count > MAX_CELLS:
        rule = f"a suite has at most {MAX_CELLS} cells"
        yield _problem(document, ("vary",), rule, count)
    if len(set(suite.seeds)) < len(suite.seeds):
        yield _problem(document, ("seeds",), "each seed stands once", list(suite.seeds))
    for section in (suite.base, suite.vary.grid):
        if "seed" in section:
            yield _problem(document, (), "seed is set by seeds alone", section["seed"])


def _places(suite: Suite, variant: int, own: Overrides, point: Overrides) -> dict[Place, Place]:
    """Spec field -> where the file sets it, for one cell; what is set last wins."""
    places: dict[Place, Place] = {}
    for dotted in own:
        places[tuple(dotted.split("."))] = ("vary", "variants", variant, dotted)
    for dotted, value in point.items():
        index = suite.vary.grid[dotted].index(value)
        places[tuple(dotted.split("."))] = ("vary", "grid", dotted, index)
    return places


def _origin(place: Place, places: dict[Place, Place]) -> Place:
    """Where the file sets the spec field at ``place``, or the field whose part it is."""
    for length in range(len(place), 0, -1):
        if place[:length] in places:
            return (*places[place[:length]], *place[length:])
    return ("seeds", *place[1:]) if place[0] == "seed" else ("base", *place)


def _problem(document: Document, place: Place, rule: str, received: Any) -> Problem:
    return Problem(document.line(place), ".".join(map(str, place)) or "file", rule, received)

"""The suite file: what is trained, varied and claimed."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from benchmark.spec import CifarSpec, RunSpec
from benchmark.spec.base import Ints, Spec
from benchmark.suite.claim import Claim
from benchmark.suite.overrides import Overrides, conflicts, overridden, settings
from benchmark.suite.plan import MAX_CELLS, Cell, Plan, combinations, variant_name
from benchmark.suite.problems import Place, Problem, SuiteError, rule_of
from benchmark.suite.yaml_document import Document

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=+-]{0,99}")
RESERVED = {
    *("runs", "speed", "scaling", "storm", "storm-short", "power"),
    *("mlartifacts", "mlflow.db", "mlflow.db.lock"),
}
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
    problems = list(_problems_before_planning(document, suite))
    if problems:
        raise SuiteError(document.path, problems)

    grid = suite.vary.grid
    stated: list[tuple[str | None, Overrides]] = [
        (variant.name, variant.overrides) for variant in suite.vary.variants or ()
    ]
    stated = stated or [(None, {})]
    cells: list[Cell] = []
    names: set[str] = set()
    runs: dict[tuple[str, int], str] = {}
    for number, indices in combinations(len(stated), grid):
        name, own = stated[number]
        point = {dotted: grid[dotted][index] for dotted, index in indices.items()}
        try:
            data = overridden(suite.base, own | point)
            specs = [
                RunSpec.model_validate({**_begun(data, runs, seed), "seed": seed})
                for seed in suite.seeds
            ]
        except ValidationError as error:
            places = _places(number, own, indices)
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
        if variant in names:
            rule = "each variant needs a name of its own; name them in vary.variants"
            problems.append(_problem(document, ("vary",), rule, variant))
        names.add(variant)
        runs |= {(variant, spec.seed): spec.digest() for spec in specs}
        cells += [Cell(variant, seed, spec) for seed, spec in zip(suite.seeds, specs, strict=True)]
    problems = problems or list(_problems_of_claims(document, suite, cells))
    if problems:
        raise SuiteError(document.path, problems)
    return Plan(suite.name, tuple(cells))


def _begun(data: dict[str, Any], runs: dict[tuple[str, int], str], seed: int) -> dict[str, Any]:
    """With the id of the run whose weights it begins from for the name of its variant, which must
    stand before."""
    match data:
        case {"pretrained": {"source": "run", "name": str(name), **stated}} if (name, seed) in runs:
            begun = stated | {"source": "run", "name": runs[name, seed]}
            return data | {"pretrained": begun}
    return data


def _problems_before_planning(document: Document, suite: Suite) -> Iterator[Problem]:
    grid, variants = suite.vary.grid, suite.vary.variants or ()
    count = (len(variants) or 1) * math.prod(map(len, grid.values())) * len(suite.seeds)
    if count > MAX_CELLS:
        rule = f"a suite has at most {MAX_CELLS} cells"
        yield _problem(document, ("vary",), rule, count)
    if len(set(suite.seeds)) < len(suite.seeds):
        yield _problem(document, ("seeds",), "each seed stands once", list(suite.seeds))
    for broken in conflicts(suite.base, grid, [variant.overrides for variant in variants]):
        yield _problem(document, *broken)


def _problems_of_claims(document: Document, suite: Suite, cells: list[Cell]) -> Iterator[Problem]:
    names = {cell.variant: cell.spec for cell in cells}
    rule = f"a claim's variants are the suite's: {', '.join(list(names)[:20])}"
    for number, claim in enumerate(suite.claims):
        for named in claim.variants:
            if named not in names:
                yield _problem(document, ("claims", number), rule, named)
            elif claim.metric == "mean_response_std" and not names[named].measured_at:
                needs = "mean_response_std needs a ResNet or plain net that is trained"
                yield _problem(document, ("claims", number, "metric"), needs, named)
            elif claim.measure.of_detectors != _detects(names[named]):
                kind = "detector" if claim.measure.of_detectors else "classifier"
                needs = f"{claim.metric} needs a {kind}"
                yield _problem(document, ("claims", number, "metric"), needs, named)
            elif claim.at and claim.at[-1] > names[named].schedule.iterations:
                needs = f"at must be within the {names[named].schedule.iterations} of {named}"
                yield _problem(document, ("claims", number, "at"), needs, claim.at[-1])
        scored = {_scored(names[v]) for v in claim.ensemble or () if v in names}
        if len(scored) > 1:
            needs = "an ensemble's variants are scored on the same images"
            yield _problem(
                document, ("claims", number, "ensemble"), needs, list(claim.ensemble or ())
            )


def _detects(spec: RunSpec) -> bool:
    return spec.detector is not None


def _scored(spec: RunSpec) -> tuple[Any, ...]:
    """Which images."""
    data = spec.dataset
    return data.name, data.only_classes if isinstance(data, CifarSpec) else None


def _places(number: int, own: Overrides, indices: dict[str, int]) -> dict[Place, Place]:
    """Spec field -> where the file sets it, for one variant at one point of the grid."""
    of_variant = settings(own, "vary", "variants", number)
    of_grid = settings(indices, "vary", "grid")
    return {field: place for field, place, _ in of_variant} | {
        field: (*place, index) for field, place, index in of_grid
    }


def _origin(place: Place, places: dict[Place, Place]) -> Place:
    """Where the file sets the spec field at ``place``, or the field whose part it is."""
    for length in range(len(place), 0, -1):
        if place[:length] in places:
            return (*places[place[:length]], *place[length:])
    return ("seeds", *place[1:]) if place[0] == "seed" else ("base", *place)


def _problem(document: Document, place: Place, rule: str, received: Any) -> Problem:
    return Problem(document.line(place), ".".join(map(str, place)) or "file", rule, received)

"""A suite, from its file to its plan."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError

from benchmark.suite.changes import Changes
from benchmark.suite.extends import read_suite
from benchmark.suite.plan import Plan
from benchmark.suite.planning import planned
from benchmark.suite.problems import Problem, SuiteError, rule_of
from benchmark.suite.schema import Suite
from benchmark.suite.yaml_document import OPTION


@dataclass(frozen=True)
class LoadedSuite:
    """A suite, its file and its plan."""

    path: Path
    suite: Suite
    """Renamed if the command line changes it."""
    plan: Plan
    changes: Changes = field(default_factory=Changes)


def load_suite(path: str | Path, changes: Changes | None = None) -> LoadedSuite:
    """Read and plan a suite file. Raises SuiteError, which names every problem and where its value
    is stated.

    ``changes``: the fields set on the command line.
    """
    path, changes = Path(path), changes or Changes()
    document = read_suite(path)
    try:
        suite = Suite.model_validate(document.data)
    except ValidationError as error:
        found = [document.problem(*rule_of(details)) for details in error.errors()]
        raise SuiteError(found) from error
    suite = suite.model_copy(update={"name": changes.name(suite.name)})
    document.origins |= changes.origins
    try:
        plan = planned(document, suite, changes.overrides)
    except SuiteError as error:
        raise SuiteError([_told_of(changes, problem) for problem in error.problems]) from error
    return LoadedSuite(path, suite, plan, changes)


def _told_of(changes: Changes, problem: Problem) -> Problem:
    """Mention the changes: a value of the file may be wrong only because of them."""
    if not changes.words or problem.origin.source.startswith(OPTION):
        return problem
    return replace(problem, rule=f"{problem.rule} (with {changes})")

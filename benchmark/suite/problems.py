"""What is wrong with a suite file, and where."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_core import ErrorDetails

from benchmark.spec.base import is_tag

_SHOWN = 20

Place = tuple[str | int, ...]
"""A path into a YAML document: keys and list positions."""

Broken = tuple[Place, str, Any]
"""A field, the rule that it breaks, and the value received."""


@dataclass(frozen=True)
class Problem:
    """One broken rule."""

    line: int
    """Counted from 1."""
    field: str
    rule: str
    received: Any

    def __str__(self) -> str:
        text = self.received if isinstance(self.received, str) else repr(self.received)
        shown = text if len(text) <= 200 else text[:200] + "..."
        return f"{self.line}: {self.field}: {self.rule}. Received: {shown}"


class SuiteError(ValueError):
    """A suite file that cannot be planned; ``str()`` names every problem, a line each."""

    def __init__(self, path: Path, problems: list[Problem]):
        self.path = path
        self.problems = sorted(set_of(problems), key=lambda problem: problem.line)
        lines = [f"{path}:{problem}" for problem in self.problems[:_SHOWN]]
        if len(self.problems) > _SHOWN:
            lines.append(f"{path}: and {len(self.problems) - _SHOWN} more")
        super().__init__("\n".join(lines))


def set_of(problems: list[Problem]) -> list[Problem]:
    """The problems without repetition, in their order."""
    return list({str(problem): problem for problem in problems}.values())


def rule_of(error: ErrorDetails) -> Broken:
    """One of pydantic's errors."""
    context = error.get("ctx", {})
    place = tuple(part for part in error["loc"] if not is_tag(part))
    if error["type"] == "rule":
        return (*place, *context["field"].split(".")), context["rule"], context["received"]
    if error["type"] == "missing":
        return place, "is required", "nothing"
    if error["type"] == "extra_forbidden":
        return place, "is not a field here", error["input"]
    rule = error["msg"].removeprefix("Value error, ").replace("Input should", "should")
    if isinstance(error["input"], str) and _is_number(error["input"]):
        rule += "; YAML reads this as text: write a number such as 1.0e-4, without quotes"
    return place, rule, error["input"]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

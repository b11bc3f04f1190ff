"""The problems of a suite, and where they are: in one of its files, or in an option."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic_core import ErrorDetails

from benchmark.problems import InputError
from benchmark.spec.base import is_tag

_SHOWN = 20

Place = tuple[str | int, ...]
"""A path into a suite's data: keys and list positions."""

Broken = tuple[Place, str, Any]
"""A field, the rule that it breaks, and the value received."""


class Origin(NamedTuple):
    """The place where a value is stated."""

    source: str
    """The file, or the option of the command line: ``--set model.depth=20``."""
    line: int | None = None
    """Counted from 1; None for an option or for a file that cannot be read."""

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}"


@dataclass(frozen=True)
class Problem:
    """One broken rule."""

    origin: Origin
    field: str
    rule: str
    received: Any

    def __str__(self) -> str:
        text = self.received if isinstance(self.received, str) else repr(self.received)
        shown = text if len(text) <= 200 else text[:200] + "..."
        return f"{self.origin}: {self.field}: {self.rule}. Received: {shown}"


class SuiteError(InputError):
    """A suite that cannot be planned; ``str()`` lists the problems, one per line."""

    def __init__(self, problems: list[Problem]):
        different = list({str(problem): problem for problem in problems}.values())
        sources = list(dict.fromkeys(problem.origin.source for problem in different))
        self.problems = sorted(
            different, key=lambda p: (sources.index(p.origin.source), p.origin.line or 0)
        )
        lines = [str(problem) for problem in self.problems[:_SHOWN]]
        if len(self.problems) > _SHOWN:
            lines.append(f"and {len(self.problems) - _SHOWN} more")
        super().__init__("\n".join(lines))


def rule_of(error: ErrorDetails) -> Broken:
    """Return the field, the rule and the received value of one of pydantic's errors."""
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

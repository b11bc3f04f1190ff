"""``--set field=value``: changes to a suite on the command line."""

import json
import math
import re
import shlex
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import yaml

from benchmark.suite.names import JOINT, as_name
from benchmark.suite.overrides import Overrides
from benchmark.suite.problems import Origin, Place, Problem, SuiteError
from benchmark.suite.yaml_document import OPTION, Document


class Changes:
    """Spec fields set for all cells of a suite, whatever its file says.

    They make a different suite with other runs and its own name, and so its own records, report and
    MLflow experiment: ``table3+numerics.replicas=1`` exists next to ``table3``, and neither ever
    replaces the other. The order of the options does not matter.
    """

    def __init__(self, stated: Sequence[str] = ()):
        """Parse the options. ``stated``: as on the command line, ``field=value``, the value in
        YAML. Raises SuiteError."""
        self.overrides: Overrides = {}
        self.origins: dict[Place, Origin] = {}
        problems: list[Problem] = []
        for text in sorted(dict.fromkeys(stated)):
            field, equals, value = text.partition("=")
            place, origin = (OPTION, field), Origin(f"{OPTION} {text}")
            if not (field and equals and value):
                problems.append(Problem(origin, "option", "must be field=value", text))
            elif field in self.overrides:
                rule = f"a field is set once; {self.origins[place]} sets it as well"
                problems.append(Problem(origin, field, rule, value))
            else:
                document = Document(value, origin.source, place)
                self.overrides[field] = document.data
                self.origins |= document.origins
        if problems:
            raise SuiteError(problems)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """As on the command line: ``--set``, ``model.depth=20``."""
        return tuple(
            word
            for field in self.overrides
            for word in self.origins[OPTION, field].source.split(" ", 1)
        )

    def __str__(self) -> str:
        return shlex.join(self.words)

    def name(self, suite: str) -> str:
        """Return the name of the changed suite."""
        if not self.overrides:
            return suite
        parts = [f"{field}={_text(value)}" for field, value in self.overrides.items()]
        key = json.dumps([suite, self.overrides], sort_keys=True)
        exact = all(map(_is_exact, self.overrides.values()))
        return as_name(JOINT.join([suite, *parts]), key, exact=exact)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _is_exact(value: Any) -> bool:
    """Return whether the value's text in a name identifies it uniquely."""
    text = _text(value)
    if isinstance(value, str) and not (text[:1].isalpha() and yaml.safe_load(text) == text):
        return False
    finite = not isinstance(value, float) or math.isfinite(value)
    return finite and re.fullmatch(r"[A-Za-z0-9.-]+", text) is not None

"""A strict reader of YAML: plain data only, no duplicate keys, and where each value is stated."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from yaml.reader import ReaderError

from benchmark.suite.problems import Broken, Origin, Place, Problem, SuiteError

MAX_BYTES = 1 << 20
MAX_DEPTH = 20
_YAML = "tag:yaml.org,2002:"
_TAGS = {_YAML + kind for kind in ("null", "bool", "int", "float", "str")}
_NUMBERS = {_YAML + kind for kind in ("int", "float")}
_READ_ANOTHER_WAY = re.compile(r"[-+]?0[0-9_].*|.*:.*")
"""YAML 1.1 reads 024 as octal, 20, and 1:30 as base 60, 90."""


OPTION = "--set"
"""First part of the places of values stated on the command line, not in a file."""


class Document:
    """Data in YAML, and the origin of each of its values."""

    def __init__(self, text: str, source: str, at: Place = ()):
        """Read ``text`` from ``source``. Raises SuiteError if it breaks a rule.

        ``at``: the place of the data; ``(OPTION, field)`` for an option, which has no lines.
        """
        self.origins: dict[Place, Origin] = {at: Origin(source, None if at else 1)}
        self._source, self._at, self._problems = source, at, list[Problem]()
        root = self._compose(text)
        self.data: Any = self._build(root, at) if root else None
        if self._problems:
            raise SuiteError(self._problems)

    def origin(self, place: Place) -> Origin:
        """Return the origin of the value at ``place``, or of the nearest value around it."""
        while place and place not in self.origins:
            place = place[:-1]
        return self.origins[place]

    def problem(self, place: Place, rule: str, received: Any) -> Problem:
        """Return a problem with the value at ``place``, which breaks ``rule``."""
        return Problem(self.origin(place), field_of(place), rule, received)

    def check(self, broken: Iterable[Broken]) -> None:
        """Raise SuiteError if any rule is broken."""
        if problems := [self.problem(*each) for each in broken]:
            raise SuiteError(problems)

    def _compose(self, text: str) -> yaml.Node | None:
        try:
            self._loader = yaml.SafeLoader(text)
            self._check_events(text)
            return self._loader.get_single_node()
        except SuiteError:
            raise
        except (ValueError, OverflowError) as error:  # PyYAML's, for an invalid escape.
            raise self._refused(1, "must be YAML", str(error)) from error
        except yaml.YAMLError as error:
            line, reason = _line_and_reason(error, text)
            raise self._refused(line, "must be YAML", reason) from error

    def _check_events(self, text: str) -> None:
        """Reject anything but plain data before any of it is read."""
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            tag = getattr(event, "tag", None)
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                rule, received = "anchors and aliases are not supported", "one"
            elif tag is not None:
                rule, received = "tags are not supported", tag.replace(_YAML, "!!")
            elif depth > MAX_DEPTH:
                rule, received = f"is nested at most {MAX_DEPTH} deep", "more"
            else:
                continue
            raise self._refused(
                event.start_mark.line + 1 if event.start_mark else 1, rule, received
            )

    def _build(self, node: yaml.Node, place: Place) -> Any:
        self.origins[place] = self._origin(node)
        if isinstance(node, yaml.SequenceNode):
            return [self._build(item, (*place, i)) for i, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if node.tag not in _TAGS:
            self._problem(node, place, "must be plain text or a number", node.value)
            return None
        if node.tag in _NUMBERS and _READ_ANOTHER_WAY.fullmatch(node.value):
            rule = "a number has no leading zero and no colon"
            self._problem(node, place, rule, node.value)
            return None
        try:
            return self._loader.construct_object(node)
        except (ValueError, yaml.YAMLError):
            self._problem(node, place, "must be plain text or a number", node.value)
            return None

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str) or key_node.tag != _YAML + "str":
                self._problem(key_node, place, "a key must be text", key)
                continue
            if key in data:
                self._problem(key_node, (*place, key), "a key may appear only once", key)
            data[key] = self._build(value_node, (*place, key))
            self.origins[(*place, key)] = self._origin(key_node)
        return data

    def _origin(self, node: yaml.Node) -> Origin:
        return self._line(node.start_mark.line + 1)

    def _line(self, line: int) -> Origin:
        return Origin(self._source, None if self._at else line)

    def _problem(self, node: yaml.Node, place: Place, rule: str, received: Any) -> None:
        self._problems.append(Problem(self._origin(node), field_of(place), rule, received))

    def _refused(self, line: int, rule: str, received: Any) -> SuiteError:
        return SuiteError([Problem(self._line(line), field_of(self._at), rule, received)])


def read_document(path: Path) -> Document:
    """Read the mapping in a YAML file. Raises SuiteError if the file cannot be read or breaks a
    rule."""
    first = Origin(str(path), 1)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise SuiteError([Problem(first, "file", f"is at most {MAX_BYTES} bytes", "more")])
        document = Document(raw.decode("utf-8"), str(path))
    except OSError as error:
        unread = Problem(Origin(str(path)), "file", "must be readable", error.strerror)
        raise SuiteError([unread]) from error
    except UnicodeDecodeError as error:
        received = f"byte {error.start}"
        raise SuiteError([Problem(first, "file", "must be UTF-8", received)]) from error
    if not isinstance(document.data, dict):
        raise SuiteError([Problem(first, "file", "must be a mapping of fields", document.data)])
    return document


def field_of(place: Place) -> str:
    """Return the field at a place, for display."""
    return ".".join(map(str, place[1:] if place[:1] == (OPTION,) else place)) or "file"


def _line_and_reason(error: yaml.YAMLError, text: str) -> tuple[int, str]:
    if isinstance(error, ReaderError):
        reason = f"{error.reason} ({chr(error.character)!r})"
        return text.count("\n", 0, error.position) + 1, reason
    mark = getattr(error, "problem_mark", None)
    return mark.line + 1 if mark else 1, getattr(error, "problem", None) or str(error)

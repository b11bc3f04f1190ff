"""A strict reader of YAML: plain data only, no duplicate keys, and each value's line."""

import re
from pathlib import Path
from typing import Any

import yaml
from yaml.reader import ReaderError

from benchmark.suite.problems import Place, Problem, SuiteError

MAX_BYTES = 1 << 20
MAX_DEPTH = 20
_YAML = "tag:yaml.org,2002:"
_TAGS = {_YAML + kind for kind in ("null", "bool", "int", "float", "str")}
_NUMBERS = {_YAML + kind for kind in ("int", "float")}
_READ_ANOTHER_WAY = re.compile(r"[-+]?0[0-9_].*|.*:.*")
"""YAML 1.1 reads 024 as octal, 20, and 1:30 as base 60, 90."""


class Document:
    """The data of a YAML file, and the line that each of its values stands on."""

    def __init__(self, path: Path):
        """Read ``path``. Raises SuiteError for a file that cannot be read or breaks a rule."""
        self.path = path
        self.lines: dict[Place, int] = {(): 1}
        self.problems: list[Problem] = []
        root = self._compose()
        self.data = self._build(root, ()) if root else None
        if not isinstance(self.data, dict):
            self.problems.append(Problem(1, "file", "must be a mapping of fields", self.data))
        if self.problems:
            raise SuiteError(path, self.problems)

    def line(self, place: Place) -> int:
        """The line of the value at ``place``, or of the nearest value around it."""
        while place not in self.lines:
            place = place[:-1]
        return self.lines[place]

    def _compose(self) -> yaml.Node | None:
        try:
            with self.path.open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
            if len(raw) > MAX_BYTES:
                raise SuiteError(
                    self.path, [Problem(1, "file", f"is at most {MAX_BYTES} bytes", "more")]
                )
            text = raw.decode("utf-8")
            loader = yaml.SafeLoader(text)
            self._loader = loader
            self._check_events(text)
            return loader.get_single_node()
        except OSError as error:
            raise SuiteError(
                self.path, [Problem(0, "file", "must be readable", error.strerror)]
            ) from error
        except UnicodeDecodeError as error:
            raise SuiteError(
                self.path, [Problem(1, "file", "must be UTF-8", f"byte {error.start}")]
            ) from error
        except SuiteError:
            raise
        except (ValueError, OverflowError) as error:  # PyYAML's, of an escape that is no character.
            raise SuiteError(self.path, [Problem(1, "file", "must be YAML", str(error))]) from error
        except yaml.YAMLError as error:
            line, reason = _line_and_reason(error, text)
            raise SuiteError(self.path, [Problem(line, "file", "must be YAML", reason)]) from error

    def _check_events(self, text: str) -> None:
        """Refuse what is more than plain data before any of it is read."""
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            tag = getattr(event, "tag", None)
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                rule, received = "anchors and aliases are not read", "one"
            elif tag is not None:
                rule, received = "tags are not read", tag.replace(_YAML, "!!")
            elif depth > MAX_DEPTH:
                rule, received = f"is nested at most {MAX_DEPTH} deep", "more"
            else:
                continue
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise SuiteError(self.path, [Problem(line, "file", rule, received)])

    def _build(self, node: yaml.Node, place: Place) -> Any:
        self.lines[place] = node.start_mark.line + 1
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
                self._problem(key_node, (*place, key), "a key may stand once", key)
            data[key] = self._build(value_node, (*place, key))
            self.lines[(*place, key)] = key_node.start_mark.line + 1
        return data

    def _problem(self, node: yaml.Node, place: Place, rule: str, received: Any) -> None:
        field = ".".join(map(str, place)) or "file"
        self.problems.append(Problem(node.start_mark.line + 1, field, rule, received))


def _line_and_reason(error: yaml.YAMLError, text: str) -> tuple[int, str]:
    if isinstance(error, ReaderError):
        reason = f"{error.reason} ({chr(error.character)!r})"
        return text.count("\n", 0, error.position) + 1, reason
    mark = getattr(error, "problem_mark", None)
    return mark.line + 1 if mark else 1, getattr(error, "problem", None) or str(error)

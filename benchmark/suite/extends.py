"""Suite files that extend other suite files."""

import os
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from benchmark.shipped import suites_folder
from benchmark.suite.problems import Broken, Place, SuiteError
from benchmark.suite.yaml_document import MAX_DEPTH, Document, read_document

EXTENDS, REPLACES = "extends", "_delete_"
"""A field of a suite file, and a field of a mapping in its base."""

_PATH = "must be the path of a suite file, relative to this one, or the name of the package's"


def read_suite(path: Path) -> Document:
    """Read a suite file with everything it inherits (see ``Suite.extends``); each value keeps the
    file and line where it is stated. Raises SuiteError."""
    documents = list(_chain(path))
    for document in documents:
        _nest(document)
    suite = documents.pop()
    while documents:
        child = documents.pop()
        _complete(child, suite, _replacing(child))
        suite = child
    return suite


def _chain(path: Path) -> Iterator[Document]:
    """Yield the file, the file that it extends, and so on."""
    read = [path]
    document = read_document(path)
    while EXTENDS in document.data:
        yield document
        stated = document.data[EXTENDS]
        if not isinstance(stated, str) or not stated:
            raise _refused(document, _PATH, stated)
        parent = _file_of(stated, read[-1].parent)
        if parent is None:
            raise _refused(document, _PATH, stated)
        if parent.resolve() in [each.resolve() for each in read]:
            circle = " -> ".join(map(str, [*read, parent]))
            raise _refused(document, "must not lead back to a file that extends it", circle)
        base, name = read_document(parent), document.data.get("name")
        if name is None:
            raise _refused(document, "requires this file to have a name of its own", stated)
        if name == base.data.get("name"):
            rule = "must differ from the name of the suite that this one extends"
            raise SuiteError([document.problem(("name",), rule, name)])
        read.append(parent)
        document = base
    yield document


def _file_of(stated: str, folder: Path) -> Path | None:
    """Return the file of that path or, if there is none, of the package's suite of that name."""
    for file in (folder / stated, suites_folder() / f"{stated}.yaml"):
        if os.path.isfile(file):  # noqa: PTH113 - Path.is_file raises for names too long.
            return file
    return None


def _refused(document: Document, rule: str, received: Any) -> SuiteError:
    return SuiteError([document.problem((EXTENDS,), rule, received)])


def _nest(document: Document) -> None:
    """Move dotted fields of the base to their nested places. Raises SuiteError."""
    base = document.data.get("base")
    broken: list[Broken] = []
    keys = [key for key in base if "." in key] if isinstance(base, dict) else []
    for dotted in sorted(keys, key=lambda key: key.count(".")):
        value, place = base.pop(dotted), ("base", dotted)
        *parents, leaf = dotted.split(".")
        if len(parents) >= MAX_DEPTH:
            broken.append((place, f"is nested at most {MAX_DEPTH} deep", "more"))
            continue
        here, field = base, list[str]()
        for parent in parents:
            field.append(parent)
            here = here.setdefault(parent, {})
            document.origins.setdefault(("base", *field), document.origin(place))
            if not isinstance(here, dict):
                rule = f"sets a part of base.{'.'.join(field)}, which must be a mapping"
                broken.append((place, rule, here))
                break
        else:
            if leaf in here:
                rule = f"a field is set once; line {document.origin(('base', *parents, leaf)).line}"
                broken.append((place, f"{rule} sets it as well", value))
            here[leaf] = value
            for at in list(_places(value, place)):
                document.origins["base", *parents, leaf, *at[2:]] = document.origins[at]
    document.check(broken)


def _replacing(document: Document) -> set[Place]:
    """Return the places of the base's mappings marked to replace the parent's; remove the marks."""
    found, broken = set(), list[Broken]()
    base = document.data.get("base")
    for place in list(_places(base, ("base",))):
        if place[-1] == REPLACES:
            stated = _at(document.data, place[:-1]).pop(REPLACES)
            if not isinstance(stated, bool):
                broken.append((place, "must be true or false", stated))
            elif stated:
                found.add(place[:-1])
    document.check(broken)
    return found


def _complete(child: Document, parent: Document, replacing: set[Place], place: Place = ()) -> None:
    """Add the keys that only the parent has to the child's mapping at ``place``."""
    ours, theirs = _at(child.data, place), _at(parent.data, place)
    for key, value in theirs.items():
        at = (*place, key)
        if key not in ours:
            ours[key] = deepcopy(value)
            child.origins |= {each: parent.origin(each) for each in _places(value, at)}
        elif at[0] == "base" and at not in replacing and _are_mappings(ours[key], value):
            _complete(child, parent, replacing, at)


def _are_mappings(*values: Any) -> bool:
    return all(isinstance(value, dict) for value in values)


def _at(data: Any, place: Place) -> Any:
    for part in place:
        data = data[part]
    return data


def _places(value: Any, place: Place) -> Iterator[Place]:
    """Yield the places of a value and of everything in it."""
    yield place
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(item, (*place, key))

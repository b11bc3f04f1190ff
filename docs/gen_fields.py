"""The reference of a suite's fields, as Markdown made from the spec classes at each build."""

import ast
import inspect
import itertools
import sys
import textwrap
import types
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from benchmark.shipped import suites_folder
from benchmark.spec import RunSpec
from benchmark.spec.base import MEASURED, TOLD, Spec
from benchmark.suite import Suite, load_suite
from benchmark.suite.looks import Looks
from benchmark.suite.schema import Variant, Vary

PLAIN = {int: "whole number", float: "number", bool: "`true` or `false`", str: "text"}
"""Type -> how it is called."""


def fields() -> str:
    """The whole reference: the suite file's own fields, then those of a run."""
    own = [_section("Suite file", Suite, 2), _section("vary", Vary, 3)]
    own.append(_section("vary.variants", Variant, 3))
    own.append(_section("seeds", Looks, 3))
    whole = (described(RunSpec), entries(RunSpec), joint_rules(RunSpec))
    parts = ["## A run's fields {#run}", *filter(None, whole)]
    seen: set[type[Spec]] = set()
    for name, field in RunSpec.model_fields.items():
        parts += sections(name, field, 3, seen)
    return "\n\n".join([*own, *parts])


def sections(path: str, field: FieldInfo, level: int, seen: set[type[Spec]]) -> Iterator[str]:
    """A section for each spec class that a field may hold, and for those within it; each once."""
    classes = list(_classes(field.annotation))
    for cls in classes:
        if cls in seen:
            continue
        seen.add(cls)
        yield _section(path, cls, level, one_of=len(classes) > 1)
        for name, inner in cls.model_fields.items():
            yield from sections(f"{path}.{name}", inner, min(level + 1, 5), seen)


def _section(path: str, cls: type[Spec], level: int, one_of: bool = False) -> str:
    title = f"`{path}`" if cls is not Suite else path
    if one_of:
        name, value = _member(cls)
        title += f" with `{name}: {value}`"
    heading = f"{'#' * level} {title} {{#{anchor(cls)}}}"
    return "\n\n".join(filter(None, (heading, described(cls), entries(cls), joint_rules(cls))))


def anchor(cls: type[Spec]) -> str:
    """Of a class's section."""
    return cls.__name__.lower()


def described(cls: type[Spec]) -> str:
    """A class's docstring in Markdown."""
    return markdown(inspect.getdoc(cls) or "")


def entries(cls: type[Spec], without: frozenset[str] = frozenset()) -> str:
    """A definition list of a class's fields: type, rule, default, docstring."""
    found = []
    for name, field in cls.model_fields.items():
        if name in without or TOLD in field.metadata:
            continue
        parts = [type_words(field.annotation), *rules(field), default_words(cls, name, field)]
        if MEASURED in field.metadata:
            parts.append("not part of a run's id")
        text = markdown(docstring(cls, name))
        body = textwrap.indent(f"{' · '.join(parts)}\n\n{text}".rstrip(), "    ").lstrip()
        found.append(f"`{name}`\n:   {body}")
    return "\n\n".join(found)


def type_words(annotation: Any) -> str:
    """What a field may hold, in words."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_words(args[0])
    if origin is Literal:
        return _or([f"`{value}`" for value in args])
    if origin in (Union, types.UnionType):
        return _or([type_words(arg) for arg in args])
    if annotation is type(None):
        return "`null`"
    if origin is tuple:
        items = type_words(args[0])
        return f"list of {items}s" if items in ("number", "whole number") else f"list of {items}"
    if origin is dict or annotation is dict:
        return "mapping"
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        if annotation.__name__ == "Claim":
            return "[claims](claim-kinds.md)"
        return f"[{annotation.__name__}](#{anchor(annotation)})"
    return PLAIN.get(annotation, "any value")


def rules(field: FieldInfo) -> list[str]:
    """The bounds that a field is held to."""
    found = []
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    for rule in [*field.metadata, *_inner_metadata(field.annotation)]:
        for name, sign in signs.items():
            if (bound := getattr(rule, name, None)) is not None:
                found.append(f"{sign} {bound:,}")
        for name, sign in (("min_length", "at least"), ("max_length", "at most")):
            if (length := getattr(rule, name, None)) is not None:
                found.append(f"{sign} {length:,} long")
        if pattern := getattr(rule, "pattern", None):
            found.append(f"matches `{pattern}`")
    return list(dict.fromkeys(found))


def joint_rules(cls: type[Spec], without: type[Spec] = Spec) -> str:
    """The rules that a class's own checks hold several fields to, as its error messages have them;
    an ellipsis stands for what depends on the values. ``without``: those of that class above."""
    found: dict[str, None] = {}
    for each in reversed(cls.__mro__):
        if issubclass(each, Spec) and each not in (Spec, without):
            for method in _tree(each).body:
                if isinstance(method, ast.FunctionDef):
                    found |= dict.fromkeys(_refused(method, vars(sys.modules[each.__module__])))
    return "\n".join(["Fields must also fit each other:", "", *found]) if found else ""


def _refused(method: ast.FunctionDef, known: dict[str, Any]) -> Iterator[str]:
    """An item for each call of ``refuse`` that names its field; ``known``: the module's names."""
    assigned: dict[str, ast.expr] = {}
    nodes = [node for node in ast.walk(method) if hasattr(node, "lineno")]
    for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                assigned[name] = value
            case ast.Call(func=ast.Name(id="refuse"), args=[ast.Constant(value=field), rule, *_]):
                words = _words(rule, assigned, known).replace(" (…)", "")
                yield f"- `{field}`: {words}"


def _words(rule: ast.expr, assigned: dict[str, ast.expr], known: dict[str, Any]) -> str:
    match rule:
        case ast.Constant(value=value):
            return str(value)
        case ast.JoinedStr(values=parts):
            return "".join(_words(part, assigned, known) for part in parts)
        case ast.FormattedValue(value=value):
            return _words(value, assigned, known)
        case ast.Name(id=name) if name in assigned:
            return _words(assigned[name], assigned, known)
        case ast.Name(id=name) if isinstance(known.get(name), int | str):
            return str(known[name])
    return "…"


def default_words(cls: type[Spec], name: str, field: FieldInfo) -> str:
    """A field's default as YAML has it."""
    if field.is_required():
        implied = name in implied_fields(cls)
        return "default: follows from other fields" if implied else "**required**"
    default = field.get_default(call_default_factory=True)
    if isinstance(default, Spec):
        return "default: its own defaults"
    if isinstance(default, tuple):
        default = list(default)
    text = yaml.safe_dump(default, default_flow_style=True).removesuffix("...\n").strip()
    return f"default `{text}`"


@cache
def implied_fields(cls: type[Spec]) -> frozenset[str]:
    """The required fields that some of the shipped suites could leave out, since the class fills
    them in from others."""
    required = [name for name, field in cls.model_fields.items() if field.is_required()]
    found: set[str] = set()
    for stated in instances().get(cls, ()):
        for count in range(1, len(required) + 1):
            for left_out in itertools.combinations(required, count):
                if set(left_out) <= found:
                    continue
                try:
                    cls.model_validate({k: v for k, v in stated.items() if k not in left_out})
                except ValidationError:
                    continue
                found |= {*left_out}
    return frozenset(found)


@cache
def instances() -> dict[type[Spec], list[dict[str, Any]]]:
    """Class -> what the suites that come with the package state of it, a few of each."""
    found: dict[type[Spec], list[dict[str, Any]]] = {}

    def collect(spec: Spec) -> None:
        plain = {name: getattr(spec, name) for name in type(spec).model_fields}
        seen = found.setdefault(type(spec), [])
        if plain not in seen and len(seen) < 8:
            seen.append(plain)
        for value in plain.values():
            if isinstance(value, Spec):
                collect(value)

    for path in sorted(suites_folder().rglob("*.yaml")):
        for cell in load_suite(path).plan.cells:
            collect(cell.spec)
    return found


def docstring(cls: type[Spec], name: str) -> str:
    """The text below a field, in the class that has it or the nearest above that says something."""
    return next((texts[name] for each in cls.__mro__ if name in (texts := _docstrings(each))), "")


@cache
def _docstrings(cls: type) -> dict[str, str]:
    if not cls.__module__.startswith("benchmark."):
        return {}
    tree = _tree(cls)
    return {
        node.target.id: inspect.cleandoc(after.value.value)
        for node, after in itertools.pairwise(tree.body)
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
    }


@cache
def _tree(cls: type) -> ast.ClassDef:
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    return tree


def _classes(annotation: Any) -> Iterator[type[Spec]]:
    """The spec classes within a type, but for claims, which have a page of their own."""
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        yield annotation
    for part in get_args(annotation):
        if get_origin(annotation) is not Literal:
            yield from _classes(part)


def _member(cls: type[Spec]) -> tuple[str, str]:
    """The field that tells a member of a union, and its value."""
    for name, field in cls.model_fields.items():
        if TOLD in field.metadata:
            return name, get_args(field.annotation)[0]
    raise ValueError(f"{cls.__name__} must have a field that tells it from other members")


def _inner_metadata(annotation: Any) -> list[Any]:
    """The bounds of a type that may be null."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return []
    return [
        rule
        for part in get_args(annotation)
        if get_origin(part) is Annotated
        for data in get_args(part)[1:]
        for rule in (data.metadata if isinstance(data, FieldInfo) else [data])
    ]


def _or(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]


def markdown(text: str) -> str:
    """The code of a docstring, in one backtick instead of two."""
    return text.replace("``", "`")

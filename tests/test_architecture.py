"""Packages import no package of higher rank; what answers at once loads no TensorFlow."""

import ast
import subprocess
import sys
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

RANKS = [
    (
        *("spec", "paper", "statistics", "metrics", "diagnostics", "events"),
        *("problems", "shipped", "status", "counts"),
    ),
    ("suite", "models", "data"),
    ("training", "evaluation", "detection"),
    ("records",),
    ("tracking", "worker"),
    ("scheduling",),
    ("listening", "reproduction", "report"),
    ("export", "running"),
    ("proof",),
    ("commands",),
    ("cli", "__main__"),
]
RANK = {name: rank for rank, names in enumerate(RANKS) for name in names}
MODULES = sorted(Path("benchmark").rglob("*.py"))
HEAVY = ("tensorflow", "keras", "tensorflow_datasets", "mlflow", "pandas", "matplotlib")


def package(module):
    return Path(module).parts[1].removesuffix(".py")


def imports(path, text=None):
    """Every module, or name of one, that a file imports, also within functions."""
    for node in ast.walk(ast.parse(path.read_text() if text is None else text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = path.parts[: -node.level] if node.level else ()
            module = ".".join((*above, *filter(None, [node.module])))
            yield from (f"{module}.{alias.name}" for alias in node.names)


def edges():
    for path in MODULES:
        for module in imports(path):
            if module.startswith("benchmark."):
                yield path, package(path), module.split(".")[1]


def test_every_package_has_a_rank():
    assert {package(path) for path in MODULES} - {"__init__"} <= set(RANK)


def test_packages_import_no_package_of_higher_rank():
    wrong = [
        f"{path} imports {to}"
        for path, here, to in edges()
        if here != "__init__" and RANK[to] > RANK[here]
    ]
    assert wrong == []


def circle(pairs):
    """The packages of a circle of imports, of any length; empty where there is none."""
    imported = defaultdict(set)
    for here, to in pairs:
        if here != to:
            imported[here].add(to)
    try:
        TopologicalSorter(imported).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_neighbours_of_a_rank_do_not_import_each_other_in_a_circle():
    assert circle((here, to) for _, here, to in edges()) == []


def test_modules_do_not_import_each_other_in_a_circle():
    """As they are loaded: what a function or a type checker alone imports does not count."""
    names = {".".join(path.with_suffix("").parts): path for path in MODULES}

    def module_of(name):
        while name not in names and "." in name:
            name = name.rpartition(".")[0]
        return name

    pairs = [
        (here, module_of(name))
        for here, path in names.items()
        for name in imports(path, top_level(path))
        if name.startswith("benchmark.")
    ]
    assert circle(pairs) == []


def top_level(path):
    """A file's text without functions' bodies and what is for type checkers."""
    tree = ast.parse(path.read_text())
    kept = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    return ast.unparse(ast.Module(kept, []))


def test_a_circle_of_any_length_is_found():
    assert set(circle(["ab", "ba"])) == set("ab")
    assert set(circle(["ab", "bc", "ca", "xa", "aa"])) == set("abc")
    assert circle(["ab", "bc", "ac", "aa"]) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import benchmark.cli", "benchmark.cli"),
        ("from benchmark import cli", "benchmark.cli"),
        ("from benchmark.cli import app", "benchmark.cli.app"),
        ("from . import journal", "benchmark.records.journal"),
        ("from .journal import Event", "benchmark.records.journal.Event"),
        ("from .. import cli", "benchmark.cli"),
        ("def f():\n    from ..cli import app", "benchmark.cli.app"),
    ],
)
def test_every_form_of_import_is_seen(text, found):
    assert list(imports(Path("benchmark/records/store.py"), text)) == [found]


@pytest.mark.parametrize("name", ["spec", "paper", "suite"])
def test_specs_and_suites_name_no_heavy_library(name):
    found = {
        module.split(".")[0]
        for path in Path("benchmark", name).rglob("*.py")
        for module in imports(path)
    }
    assert not found & set(HEAVY)


def test_autograph_rewrites_no_function():
    """See ``training.step``; a loop or condition that needs it would fail to trace."""
    for path in MODULES:
        text = path.read_text()
        assert text.count("tf.function") == text.count("autograph=False"), path


def test_training_knows_neither_disk_records_nor_mlflow():
    for path in Path("benchmark/training").rglob("*.py"):
        assert not {"pathlib", "mlflow", "os"} & {m.split(".")[0] for m in imports(path)}, path


@pytest.mark.parametrize(
    "command",
    [["--help"], ["plan", "suites/quickstart.yaml"], ["list"], ["prove", "audit", "--no-build"]],
)
def test_quick_commands_load_no_heavy_library(command, tmp_path):
    code = (
        "import sys; from benchmark.cli import app\n"
        f"try: app({command!r}, standalone_mode=False)\nexcept SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ast.literal_eval(done.stderr.strip().splitlines()[-1]))
    assert not loaded

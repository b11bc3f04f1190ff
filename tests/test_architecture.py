"""Packages import packages of lower rank; what answers at once loads no TensorFlow."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

RANKS = [
    ("spec", "paper"),
    ("suite", "models", "data"),
    ("training", "evaluation"),
    ("records",),
    ("execution", "report"),
    ("commands",),
    ("cli", "__main__"),
]
RANK = {name: rank for rank, names in enumerate(RANKS) for name in names}
MODULES = sorted(Path("benchmark").rglob("*.py"))
HEAVY = ("tensorflow", "keras", "tensorflow_datasets", "mlflow", "pandas", "matplotlib")


def package(module):
    return Path(module).parts[1].removesuffix(".py")


def imports(path):
    """Every module that a file imports, also within functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def edges():
    for path in MODULES:
        for module in imports(path):
            if module.startswith("benchmark."):
                yield path, package(path), module.split(".")[1]


def test_every_package_has_a_rank():
    assert {package(path) for path in MODULES} - {"__init__"} <= set(RANK)


def test_packages_import_packages_of_lower_rank():
    wrong = [
        f"{path} imports {to}"
        for path, here, to in edges()
        if here != "__init__" and RANK[to] > RANK[here]
    ]
    assert wrong == []


def test_neighbours_of_a_rank_do_not_import_each_other_in_a_circle():
    between = {(here, to) for _, here, to in edges() if here in RANK and here != to}
    assert [pair for pair in between if pair[::-1] in between] == []


@pytest.mark.parametrize("name", ["spec", "paper", "suite"])
def test_specs_and_suites_name_no_heavy_library(name):
    found = {
        module.split(".")[0]
        for path in Path("benchmark", name).rglob("*.py")
        for module in imports(path)
    }
    assert not found & set(HEAVY)


def test_training_knows_neither_disk_records_nor_mlflow():
    for path in Path("benchmark/training").glob("*.py"):
        assert not {"pathlib", "mlflow", "os"} & {m.split(".")[0] for m in imports(path)}, path


@pytest.mark.parametrize(
    "command", [["--help"], ["plan", "suites/quickstart.yaml"], ["list"], ["audit", "--no-build"]]
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


def test_files_are_short():
    long = {str(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {path: lines for path, lines in long.items() if lines > 320} == {}

"""The wheel, installed where there is no clone, and a folder to start from."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import bench_alone

from benchmark.problems import InputError
from benchmark.shipped import suite_file
from benchmark.suite import load_suite

SUITES = sorted(path.relative_to("suites") for path in Path("suites").rglob("*.yaml"))


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """What a wheel puts into an environment."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "built"]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = (folder / "built").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_a_wheel_holds_all_that_a_clone_has(unpacked):
    package = {path.relative_to("benchmark") for path in Path("benchmark").rglob("*")}
    package = {path for path in package if "__pycache__" not in path.parts}
    assert {path for path in package if not (unpacked / "benchmark" / path).exists()} == set()
    assert all((unpacked / "benchmark" / "suites" / suite).is_file() for suite in SUITES)
    for run in Path("results/reference/runs").iterdir():
        assert (unpacked / "benchmark" / "reference" / "runs" / run.name / "result.json").is_file()


def test_an_installed_package_knows_suites_images_and_reference(unpacked, tmp_path):
    code = (
        "from pathlib import Path\n"
        "from benchmark.data.cifar10 import EMBEDDED\n"
        "from benchmark.shipped import shipped_reference, suite_file, suites_folder\n"
        "assert EMBEDDED.is_dir() and (shipped_reference() / 'runs').is_dir()\n"
        "print(suite_file(Path('short/figure6')).relative_to(suites_folder()))\n"
        f"assert suites_folder().is_relative_to({str(unpacked)!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(unpacked), "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "short/figure6.yaml"), done.stderr


def test_suites_are_known_by_name(tmp_path):
    by_name, by_path = (
        bench_alone("plan", suite, "--results", tmp_path)
        for suite in ("quickstart", "suites/quickstart.yaml")
    )
    assert by_name.returncode == 0 and by_name.stdout == by_path.stdout
    unknown = bench_alone("plan", "quick-start", "--results", tmp_path)
    assert unknown.returncode == 2 and "quick-start" in unknown.stderr


def test_a_folder_to_start_from_is_a_suite_that_plans_and_is_never_overwritten(tmp_path):
    assert bench_alone("init", tmp_path / "study").returncode == 0
    loaded = load_suite(tmp_path / "study" / "compare.yaml")
    assert {cell.variant for cell in loaded.plan.cells} == {"resnet32-B", "resnet32-C"}
    assert len(loaded.plan.runs()) == 10
    (tmp_path / "study" / "compare.yaml").write_text("mine")
    again = bench_alone("init", tmp_path / "study")
    assert again.returncode == 2 and str(tmp_path / "study") in again.stderr
    assert (tmp_path / "study" / "compare.yaml").read_text() == "mine"


def test_of_a_misspelt_suite_the_one_that_was_meant_is_named():
    with pytest.raises(InputError, match="table6"):
        suite_file(Path("tabel6"))

"""What is committed of results, and that a user's runs change none of it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmark.records.reference import VARIABLE
from benchmark.records.store import Store
from benchmark.report.suite_report import write_report
from benchmark.status import DONE

REFERENCE = Path("results/reference")


def git(*arguments):
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        pytest.skip(f"no git here: {done.stderr}")
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    "path",
    [
        *("runs/0123456789abcdef/journal.jsonl", "quickstart/report.md", "quickstart/plan.json"),
        *("paper/paper.md", "mlflow.db", "mlflow.db.lock", "mlartifacts/x", "table3+x/report.md"),
        *("speed/speed.md", "storm/storm.md", "power/power.svg", "scaling/scaling.md"),
        *("reference/mlflow.db", "reference/mlartifacts/x"),
    ],
)
def test_what_a_user_writes_is_ignored(path):
    assert git("check-ignore", f"results/{path}") == [f"results/{path}"]


@pytest.mark.parametrize("path", ["runs/0123456789abcdef/journal.jsonl", "quickstart/report.md"])
def test_the_reference_is_not_ignored(path):
    assert git("check-ignore", f"results/reference/{path}") == []


def test_of_results_the_reference_alone_is_committed():
    there = git("ls-files", "results")
    assert there and all(file.startswith("results/reference/") for file in there)


def recorded():
    """The suites whose every run of the plan that ended has records, and those without any."""
    store = Store(REFERENCE)
    found = {True: [], False: []}
    for suite in store.suites():
        ids = {cell["run_id"] for cell in store.suite(suite).plan()["cells"]}
        found[any(store.run(run_id).done() for run_id in ids)].append(suite)
    return found[True], found[False]


def test_reports_without_records_are_told_to_be_of_a_former_version():
    text = (REFERENCE / "README.md").read_text()
    table = text.partition("## Reports of former versions")[2]
    assert set(re.findall(r"^\| \[([\w.-]+)\]", table, re.MULTILINE)) == set(recorded()[1])


def test_records_hold_no_path_and_each_is_whole():
    store = Store(REFERENCE)
    for folder in (store.run(path.name) for path in (REFERENCE / "runs").glob("*")):
        assert folder.status() in DONE and folder.events() and folder.provenance()
        for file in folder.path.glob("*.json*"):
            assert not re.search(r'"[^"]*(?:/home/|/root/|/tmp/)', file.read_text()), file
    weights = sum(path.stat().st_size for path in REFERENCE.glob("runs/*/*.safetensors"))
    assert weights <= 10 * 2**20


def test_a_committed_report_can_be_made_again(tmp_path, monkeypatch):
    suites, _ = recorded()
    if not suites:
        pytest.skip("no suite has committed records yet")
    suite = min(suites, key=lambda name: len(Store(REFERENCE).suite(name).plan()["cells"]))
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    shutil.copytree(REFERENCE / "runs", tmp_path / "runs")
    (tmp_path / suite).mkdir()
    for name in ("plan.json", "ensembles.json"):
        if (REFERENCE / suite / name).exists():
            shutil.copy(REFERENCE / suite / name, tmp_path / suite)
    written = write_report(Store(tmp_path), suite)
    for file in written.files:
        if file.suffix in (".md", ".csv"):
            committed = REFERENCE / file.relative_to(tmp_path)
            assert file.read_text() == committed.read_text(), file.name

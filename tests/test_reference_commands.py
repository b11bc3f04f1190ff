"""The reference by the commands, with runs that were really trained."""

import json
import shutil

import pytest
from conftest import bench

from benchmark.records.files import write_json
from benchmark.records.reference import DIFFERENT, IDENTICAL, VARIABLE
from benchmark.records.result import sealed
from benchmark.records.store import Store
from benchmark.tracking.server import client_of, default_tracking_uri


@pytest.fixture(scope="module")
def reference(ran, tmp_path_factory):
    """What ``records add`` makes of the tiny suite."""
    folder = tmp_path_factory.mktemp("reference")
    options = ("--results", ran.results, "--reference", folder, "--weights")
    done = bench("records", "add", "tiny", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return Store(folder)


@pytest.fixture
def results(ran, tmp_path):
    """The tiny suite's results, without MLflow's."""
    folder = tmp_path / "results"
    shutil.copytree(ran.results, folder, ignore=shutil.ignore_patterns("mlflow*", "mlartifacts"))
    return folder


def test_records_hold_what_the_reports_need_and_nothing_of_the_machine(ran, reference):
    cells = reference.suite("tiny").plan()["cells"]
    for cell in cells:
        theirs, ours = Store(ran.results).run(cell["run_id"]), reference.run(cell["run_id"])
        assert ours.result() == theirs.result() and ours.events() == theirs.events()
        kept = {path.name for path in ours.path.iterdir()}
        weights = {"weights.safetensors", "preprocessing.safetensors"}
        assert kept - weights == {"spec.json", "provenance.json", "journal.jsonl", "result.json"}
        assert (weights <= kept) == (ours.status() == "finished")
        for name in kept - weights:
            assert str(ran.results.parent) not in (ours.path / name).read_text()
    for name in ("report.md", "runs.csv"):
        path = reference.suite("tiny").path / name
        assert path.read_bytes() == (ran.results / "tiny" / name).read_bytes()


def test_a_user_is_told_how_runs_compare(results, reference):
    store = Store(results)
    cell = store.suite("tiny").plan()["cells"][0]
    folder = store.run(cell["run_id"])
    other = (folder.result() or {}) | {"final_error_percent": 1.0}
    other.pop("sha256")
    write_json(folder.path / "result.json", sealed(other))
    done = bench("sync", "tiny", "--results", results, **{VARIABLE: str(reference.root)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"2 {IDENTICAL}" in done.stdout and f"1 {DIFFERENT}" in done.stdout
    report = (results / "tiny" / "report.md").read_text()
    assert report.count(f"| {IDENTICAL} |") == 2 and f"| {DIFFERENT} by " in report
    client = client_of(default_tracking_uri(store))
    (experiment,) = [e for e in client.search_experiments() if e.name == "tiny"]
    runs = client.search_runs([experiment.experiment_id], "tags.variant LIKE '%'")
    told = {run.data.tags["variant"]: run.data.tags.get("reference") for run in runs}
    assert told == {"resnet6": DIFFERENT, "plain6": IDENTICAL, "diverges": IDENTICAL}
    (by,) = [
        run.data.tags["reference.difference_percent"]
        for run in runs
        if run.data.tags["variant"] == "resnet6"
    ]
    expected = 1.0 - (reference.run(folder.run_id).result() or {})["final_error_percent"]
    assert float(by) == pytest.approx(expected)


def verified(reference, tmp_path, change=lambda folder: None):
    """What ``verify`` says of a reference of one run."""
    one = Store(tmp_path / "one")
    run_id = reference.suite("tiny").plan()["cells"][0]["run_id"]
    shutil.copytree(reference.run(run_id).path, one.run(run_id).path)
    change(one.run(run_id))
    return bench("verify", "--budget", "30m", "--reference", one.root)


def test_a_run_comes_out_the_same_when_it_is_trained_again(reference, tmp_path):
    done = verified(reference, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1" in done.stdout


def test_a_run_that_comes_out_otherwise_fails(reference, tmp_path):
    def change(folder):
        lines = folder.journal.read_text().splitlines()
        events = [json.loads(line) for line in lines]
        for event in events:
            if event["event"] == "epoch":
                event["weights_sha256"] = "0" * 64
        folder.journal.write_text("".join(json.dumps(event) + "\n" for event in events))
        result = folder.result()
        del result["curves_sha256"], result["sha256"]
        write_json(folder.path / "result.json", sealed(result))

    done = verified(reference, tmp_path, change)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "0 of 1" in done.stdout


def test_without_records_there_is_nothing_to_verify(tmp_path):
    assert bench("verify", "--reference", tmp_path).returncode == 2

import json
import re
import shutil
import subprocess
import sys
import threading
import time

import pytest
from conftest import bench, bench_alone

from benchmark.listening import mirroring
from benchmark.metrics import METRICS
from benchmark.proof.storm.server import free_port, mlflow_server
from benchmark.records import Store, load_curves, load_runs
from benchmark.records.journal import Journal
from benchmark.records.problems import RecordsError
from benchmark.records.result import summarize
from benchmark.spec.recipe import RECIPE
from benchmark.suite import Plan, load_suite
from benchmark.tracking.lookup import found_run
from benchmark.tracking.mlflow_mirror import RESULT_METRICS, MlflowMirror
from benchmark.tracking.server import default_tracking_uri


def client_of(results):
    from mlflow import MlflowClient

    return MlflowClient(default_tracking_uri(Store(results)))


def children(client):
    experiment = client.get_experiment_by_name("tiny").experiment_id
    runs = client.search_runs([experiment])
    parent = next(run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    by_name = {run.info.run_name: run for run in runs if run is not parent}
    return parent, by_name


def rows(results, client=None):
    """Every metric of every run, as the database has it."""
    client = client or client_of(results)
    _, runs = children(client)
    return sorted(
        (name, metric.key, metric.step, metric.value, metric.timestamp)
        for name, run in runs.items()
        for key in run.data.metrics
        for metric in client.get_metric_history(run.info.run_id, key)
    )


@pytest.fixture
def copied(ran, tmp_path):
    """The records alone, without MLflow's."""
    shutil.copytree(
        ran.results, tmp_path / "results", ignore=shutil.ignore_patterns("mlflow*", "mlartifacts")
    )
    return tmp_path / "results"


def test_a_run_of_mlflow_is_found_with_its_weights_where_the_results_have_them(ran, tmp_path):
    store, uri = Store(ran.results), default_tracking_uri(Store(ran.results))
    _, runs = children(client_of(ran.results))
    run = next(run for name, run in runs.items() if name.startswith("resnet6")).info.run_id
    with found_run(store, run, uri, weights=True) as folder:
        assert folder.weights.exists() and folder.status() == "finished"
        own = folder.run_id
    with found_run(store, run, uri) as recorded:
        assert recorded.spec() == folder.spec() and not recorded.weights.exists()
    with pytest.raises(RecordsError, match=own), found_run(Store(tmp_path), run, uri, weights=True):
        pass


def test_one_experiment_one_parent_and_flat_children(ran):
    parent, runs = children(client_of(ran.results))
    recipes = {run.data.tags["recipe"] for run in runs.values()}
    assert recipes == {f"training {RECIPE['training']}"}
    assert parent.info.run_name == "tiny"
    assert parent.info.status == "FINISHED"
    assert sorted(runs) == ["diverges/seed0", "plain6/seed0", "resnet6/seed0"]
    for run in runs.values():
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_curves_are_those_of_the_journal(ran):
    client = client_of(ran.results)
    _, runs = children(client)
    curves = load_curves(ran.results)
    for name, run in runs.items():
        mine = curves[curves["variant"] == name.split("/")[0]]
        for key in (metric.key for metric in METRICS):
            history = client.get_metric_history(run.info.run_id, key)
            wanted = mine[["epoch", key]].dropna() if key in mine else mine[:0]
            assert [metric.step for metric in history] == list(wanted["epoch"])
            if len(wanted):
                assert [metric.value for metric in history] == list(wanted[key])
    assert len(children(client)[1]["resnet6/seed0"].data.metrics) <= 12 + len(RESULT_METRICS)


def test_params_tags_data_set_and_artifacts(ran):
    client = client_of(ran.results)
    parent, runs = children(client)
    rows = load_runs(ran.results).set_index("variant")
    for name, run in runs.items():
        row = rows.loc[name.split("/")[0]]
        assert run.data.params["model.shortcut"] == row["model.shortcut"]
        assert run.data.params["seed"] == "0"
        assert run.data.tags["resnet_bench.run_id"] == row["run_id"]
        assert run.data.tags["status"] == row["status"]
        dataset = run.inputs.dataset_inputs[0].dataset
        assert dataset.name == "cifar10-subset"
        assert row["dataset_sha256"].startswith(dataset.digest)
        kept = {artifact.path for artifact in client.list_artifacts(run.info.run_id)}
        assert kept == {"spec.json", "provenance.json", "journal.jsonl"}
    kept = {artifact.path for artifact in client.list_artifacts(parent.info.run_id)}
    assert {"curves.svg", "curves.png", "report.html", "runs.csv", "curves.parquet"} <= kept
    assert "| resnet6 |" in parent.data.tags["mlflow.note.content"]
    assert parent.data.tags["verdicts"] == "1 not comparable"


def test_sync_builds_the_same_rows_and_adds_none_when_repeated(ran, copied):
    for _ in range(3):
        done = bench("sync", "tiny", "--results", copied)
        assert done.returncode == 0, done.stderr
        assert rows(copied) == rows(ran.results)
        _parent, runs = children(client_of(copied))
        assert len(runs) == 3


@pytest.mark.parametrize("lost", ["a child in the UI", "the parent", "the database", "nothing"])
def test_a_mirror_is_rebuilt_from_the_journals(ran, copied, lost):
    from mlflow import MlflowClient

    mirror = MlflowMirror(Store(copied), "tiny", default_tracking_uri(Store(copied)))
    for cell in Store(copied).suite("tiny").plan()["cells"]:
        mirror.mirror(cell)
    parent, runs = children(client_of(copied))
    if lost == "the database":
        (copied / "mlflow.db").unlink()
    elif lost != "nothing":
        gone = parent if lost == "the parent" else runs["plain6/seed0"]
        client_of(copied).delete_run(gone.info.run_id)
    done = bench_alone("sync", "tiny", "--results", copied, "--rebuild")
    assert done.returncode == 0, done.stderr
    # By another URI: under the first one this process would go on reading a file that is gone.
    client = MlflowClient(f"sqlite:///{copied / 'mlflow.db'}")
    assert rows(copied, client) == rows(ran.results)
    parent, again = children(client)
    assert len(again) == 3
    assert {run.data.tags["mlflow.parentRunId"] for run in again.values()} == {parent.info.run_id}
    if lost == "nothing":
        assert not {run.info.run_id for run in again.values()} & {
            run.info.run_id for run in runs.values()
        }


@pytest.fixture
def mirrored(copied):
    """The folder of the first run, and how to mirror it."""
    store = Store(copied)
    cell = store.suite("tiny").plan()["cells"][0]

    def mirror():
        MlflowMirror(store, "tiny", default_tracking_uri(store)).mirror(cell)
        return children(client_of(copied))[1]["resnet6/seed0"]

    return store.run(cell["run_id"]), mirror


def test_a_child_is_its_runs_last_attempt(copied, mirrored):
    folder, mirror = mirrored
    lines = folder.journal.read_text().splitlines(keepends=True)
    first = next(n for n, line in enumerate(lines) if json.loads(line)["event"] == "epoch")
    folder.journal.write_text("".join(lines[: first + 1]))  # Interrupted after an epoch.
    (folder.path / "result.json").unlink()
    assert mirror().info.status == "RUNNING"
    ended = summarize(folder.events(), "interrupted", "Ctrl-C")
    (folder.path / "result.json").write_text(json.dumps(ended))
    interrupted = mirror()
    assert interrupted.info.status == "KILLED"

    folder.begin()
    journal = Journal(folder.journal)
    journal.append({"event": "resume", "epoch": 1, "iteration": 10, "wall_time_s": 1.0})
    journal.restore(json.loads(lines[first]))  # It goes on after the first epoch.
    for line in [lines[1], *lines[first + 1 :]]:
        event = json.loads(line)
        event.pop("time")
        journal.append(event)
    folder.end(summarize(folder.events(), "finished"))
    (folder.path / "provenance.json").write_text('{"git_commit": "of the second attempt"}')
    for _ in range(2):
        child = mirror()
        assert child.info.run_id != interrupted.info.run_id
        assert child.info.status == "FINISHED"
        assert len(children(client_of(copied))[1]) == 1
        history = client_of(copied).get_metric_history(child.info.run_id, "train_loss")
        assert [metric.step for metric in history] == [1, 2]
        assert child.data.tags["attempt"] == "2"
        assert child.data.tags["mlflow.source.git.commit"] == "of the second attempt"


def described(client, child):
    kept = {artifact.path for artifact in client.list_artifacts(child.info.run_id)}
    assert kept == {"spec.json", "provenance.json", "journal.jsonl"}
    assert child.data.params["model.shortcut"] == "A"
    assert len(child.inputs.dataset_inputs) == 1
    return True


@pytest.mark.parametrize("call", ["log_batch", "log_artifact", "log_inputs", "set_tag"])
def test_a_child_whose_description_failed_is_described_later(copied, mirrored, monkeypatch, call):
    from mlflow import MlflowClient

    _, mirror = mirrored

    def fail(*_, **__):
        raise ConnectionError("away")

    with monkeypatch.context() as away:
        away.setattr(MlflowClient, call, fail)
        with pytest.raises(ConnectionError):
            mirror()
    client = client_of(copied)
    wanted = None
    for _ in range(2):
        assert described(client, mirror())
        assert wanted in (None, rows(copied))
        wanted = rows(copied)
    assert len(children(client)[1]) == 1


def test_a_child_that_was_seen_before_it_was_built_is_described_later(copied, mirrored):
    folder, mirror = mirrored
    aside = {
        name: (folder.path / name).read_text()
        for name in ("journal.jsonl", "provenance.json", "result.json")
    }
    for name in aside:
        (folder.path / name).unlink()
    folder.journal.write_text(aside["journal.jsonl"].splitlines(keepends=True)[0])
    early = mirror()
    assert (early.info.status, early.data.tags["mlflow.source.git.commit"]) == (
        "RUNNING",
        "unknown",
    )
    assert "resnet_bench.described" not in early.data.tags
    for name, text in aside.items():
        (folder.path / name).write_text(text)
    child = mirror()
    assert child.info.run_id == early.info.run_id
    assert described(client_of(copied), child)
    commit = json.loads(aside["provenance.json"])["git_commit"] or "unknown"
    assert child.data.tags["mlflow.source.git.commit"] == commit


def test_a_run_that_failed_at_once_is_a_child_with_its_reason(mirrored):
    folder, mirror = mirrored
    folder.begin()
    result = summarize(folder.events(), "failed", "no memory")
    (folder.path / "result.json").write_text(json.dumps(result))
    child = mirror()
    assert child.info.status == "FAILED"
    assert (child.data.tags["status"], child.data.tags["reason"]) == ("failed", "no memory")
    assert child.data.params["model.shortcut"] == "A"
    assert child.data.metrics == {}


def test_children_that_the_suite_no_longer_asks_for_are_marked(copied):
    store = Store(copied)
    plan = store.suite("tiny").plan()
    mirror = MlflowMirror(store, "tiny", default_tracking_uri(store))
    for cell in plan["cells"]:
        mirror.mirror(cell)
    path = copied / "tiny" / "plan.json"
    path.write_text(json.dumps(plan | {"cells": plan["cells"][1:]}))
    mirror.mirror_suite("note", [])
    _, runs = children(client_of(copied))
    asked = {name: run.data.tags["in_plan"] for name, run in runs.items()}
    assert asked == {"resnet6/seed0": "false", "plain6/seed0": "true", "diverges/seed0": "true"}


def test_a_note_that_is_too_long_is_cut(copied):
    store = Store(copied)
    mirror = MlflowMirror(store, "tiny", default_tracking_uri(store))
    mirror.mirror_suite("a line of the note\n" * 2000, [])
    client = client_of(copied)
    experiment = client.get_experiment_by_name("tiny")
    parent = client.get_run(mirror.parent).data
    for tags, most in ((experiment.tags, 20_000), (parent.tags, 8_000)):
        note = tags["mlflow.note.content"]
        assert most - 200 < len(note) <= most and note.endswith("the suite's name.")
        assert {*note.split("\n")[:-2]} == {"a line of the note"}


@pytest.mark.parametrize("how", [shutil.move, shutil.copytree])
def test_artifacts_of_a_folder_that_was_moved_or_copied_lie_in_it(copied, tmp_path, how):
    there = tmp_path / "there"
    assert bench("sync", "tiny", "--results", copied).returncode == 0
    how(copied, there)
    before = modified(copied)
    for page in (there / "mlartifacts").rglob("report.html"):
        page.unlink()
    done = bench_alone("sync", "tiny", "--results", there)  # MLflow remembers places.
    assert done.returncode == 0, done.stderr
    assert [*(there / "mlartifacts").rglob("report.html")] and before == modified(copied)
    client, place = client_of(there), (there.resolve() / "mlartifacts").as_uri()
    _, runs = children(client)
    assert all(run.info.artifact_uri.startswith(place) for run in runs.values())
    assert all(client.list_artifacts(run.info.run_id) for run in runs.values())


def modified(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_processes_that_start_together_make_one_database(copied):
    code = (
        "import sys; from pathlib import Path; from benchmark.records import Store\n"
        "from benchmark.tracking.mlflow_mirror import MlflowMirror\n"
        "from benchmark.tracking.server import default_tracking_uri\n"
        "store = Store(Path(sys.argv[1]))\n"
        "MlflowMirror(store, 'tiny', default_tracking_uri(store))"
    )
    together = [
        subprocess.Popen([sys.executable, "-c", code, copied], stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in together:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    client = client_of(copied)
    experiment = client.get_experiment_by_name("tiny").experiment_id
    assert len(client.search_runs([experiment])) == 1


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """An MLflow server of its own, on a free port."""
    port = free_port()
    with mlflow_server(tmp_path_factory.mktemp("server") / "server.db", port):
        yield f"http://127.0.0.1:{port}"


def test_a_server_named_by_the_environment_mirrors_the_same_rows(ran, copied, server):
    from mlflow import MlflowClient

    for _ in range(2):
        done = bench("sync", "tiny", "--results", copied, MLFLOW_TRACKING_URI=server)
        assert done.returncode == 0, done.stderr
        assert rows(copied, MlflowClient(server)) == rows(ran.results)
    assert not (copied / "mlflow.db").exists()
    done = bench("ui", "--tracking-uri", server)
    assert done.returncode == 0, done.stderr
    assert re.search(rf"^tiny: {server}/#/experiments/\d+/runs\?", done.stdout, re.MULTILINE)


def test_a_run_links_to_its_page_on_the_server(ran, copied, server):
    done = bench("run", ran.suite, "--results", copied, "--tracking-uri", server)
    assert done.returncode == 0, done.stderr
    links = re.findall(rf"{server}/#/experiments/\d+/runs\?\S+", done.stdout)
    assert len(links) == 1
    assert links[0] in bench("ui", "--tracking-uri", server).stdout


@pytest.mark.parametrize(("stuck_at", "sent"), [(None, 4), (2, 2)])
def test_what_is_still_to_be_sent_is_waited_for_while_something_is(
    ran, monkeypatch, stuck_at, sent
):
    mirrored, over = [], threading.Event()

    class Slow:
        """A mirror that takes its time, and at one run for ever."""

        def __init__(self, *_):
            time.sleep(0.6)

        def mirror(self, row):
            over.wait(60 if len(mirrored) == stuck_at else 0.6)
            mirrored.append(row)

    monkeypatch.setattr(mirroring, "mirror_of", Slow)
    cell = load_suite(ran.suite).plan.cells[0]
    mirror = mirroring.BackgroundMirror(None, Plan("slow", (cell,)), "sqlite://")
    for _ in range(4):
        mirror.event(cell, {"event": "epoch"})
    mirror.close(patience=1.5)
    assert len(mirrored) == sent
    assert mirror.problem == (None if stuck_at is None else "nothing was sent for 1.5 s")
    over.set()

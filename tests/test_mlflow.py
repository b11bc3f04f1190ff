import shutil

import pytest
from conftest import bench

from benchmark.records import Store, load_curves, load_runs
from benchmark.records.mlflow_mirror import METRICS, default_tracking_uri


def client_of(results):
    from mlflow import MlflowClient

    return MlflowClient(default_tracking_uri(Store(results)))


def children(client):
    experiment = client.get_experiment_by_name("tiny").experiment_id
    runs = client.search_runs([experiment])
    parent = next(run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    by_name = {run.info.run_name: run for run in runs if run is not parent}
    return parent, by_name


def rows(results):
    """Every metric of every run, as the database has it."""
    client = client_of(results)
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


def test_one_experiment_one_parent_and_flat_children(ran):
    parent, runs = children(client_of(ran.results))
    assert parent.info.run_name == "tiny"
    assert parent.info.status == "FINISHED"
    assert sorted(runs) == ["diverges/seed0", "plain8/seed0", "resnet8/seed0"]
    for run in runs.values():
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_curves_are_those_of_the_journal(ran):
    client = client_of(ran.results)
    _, runs = children(client)
    curves = load_curves(ran.results)
    for name, run in runs.items():
        mine = curves[curves["variant"] == name.split("/")[0]]
        for key in METRICS:
            history = client.get_metric_history(run.info.run_id, key)
            wanted = mine[["epoch", key]].dropna() if key in mine else mine[:0]
            assert [metric.step for metric in history] == list(wanted["epoch"])
            if len(wanted):
                assert [metric.value for metric in history] == list(wanted[key])
    assert len(children(client)[1]["resnet8/seed0"].data.metrics) <= 12


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
    assert "| resnet8 |" in parent.data.tags["mlflow.note.content"]


def test_sync_builds_the_same_rows_and_adds_none_when_repeated(ran, copied):
    for _ in range(3):
        done = bench("sync", "tiny", "--results", copied)
        assert done.returncode == 0, done.stderr
        assert rows(copied) == rows(ran.results)
        _parent, runs = children(client_of(copied))
        assert len(runs) == 3


def test_a_server_that_is_not_there_stops_no_training(ran, copied):
    shutil.rmtree(copied / "runs" / load_runs(copied)["run_id"].iloc[0])
    suite = ran.suite
    done = bench("run", suite, "--results", copied, "--tracking-uri", "http://127.0.0.1:9")
    assert done.returncode == 0, done.stderr
    assert "resnet8/seed0: finished" in done.stdout
    assert "resnet-bench sync tiny" in done.stdout
    assert bench("sync", "tiny", "--results", copied).returncode == 0
    _, runs = children(client_of(copied))
    assert {name: run.data.tags["status"] for name, run in runs.items()} == {
        "resnet8/seed0": "finished",
        "plain8/seed0": "finished",
        "diverges/seed0": "diverged",
    }

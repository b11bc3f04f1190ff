"""Several results folders that sync to one tracking server: each keeps to its own runs."""

import shutil
import threading
from pathlib import Path

import pytest
from made_records import made_cell, made_suite, record

from benchmark.records.journal import Journal
from benchmark.records.problems import RecordsError
from benchmark.records.store import Store
from benchmark.tracking.mlflow_mirror import KIND, MlflowMirror
from benchmark.tracking.owner import FILE, identity_of
from benchmark.tracking.server import client_of, suite_links

OWNER = "resnet_bench.results"


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A database with MLflow's tables, which take long to make."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('tables') / 'mlflow.db'}"
    client_of(uri).search_experiments()
    return Path(uri.removeprefix("sqlite:///"))


@pytest.fixture
def uri(tables, tmp_path):
    (tmp_path / "server").mkdir()
    shutil.copyfile(tables, tmp_path / "server" / "mlflow.db")
    return f"sqlite:///{tmp_path / 'server' / 'mlflow.db'}"


def made(root, *seeds, began_s=1000.0, **result):
    """Records of a suite, as if trained from then on."""
    store, cells = Store(root), [made_cell(seed=seed) for seed in seeds]
    for cell in cells:
        folder = record(store, cell, **result)
        events = folder.events()
        folder.journal.unlink()
        Journal(folder.journal).restore(
            *(event | {"time": event["time"] + began_s} for event in events)
        )
        ended = folder.result()
        (folder.path / "result.json").unlink()
        folder.end(ended | {"curves_sha256": None})
    made_suite(store, "mine", cells)
    return store


def sync(store, uri, *, rebuild=False):
    mirror = MlflowMirror(store, "mine", uri, rebuild=rebuild)
    for cell in store.suite("mine").plan()["cells"]:
        mirror.mirror(cell)
    mirror.mirror_suite("note", [store.suite("mine").path / "plan.json"], "1 reproduced")
    return mirror


def held(uri):
    """Results folder -> names of its runs, as the server has them."""
    client = client_of(uri)
    found = {}
    experiment = client.get_experiment_by_name("mine").experiment_id
    for run in client.search_runs([experiment]):
        found.setdefault(run.data.tags.get(OWNER), []).append(run.info.run_name)
    return {owner: sorted(names) for owner, names in found.items()}


@pytest.mark.parametrize("rebuild", [False, True])
@pytest.mark.parametrize("later", [1000.0, 5000.0], ids=["same times", "other times"])
def test_two_folders_keep_their_runs_in_either_order(uri, tmp_path, later, rebuild):
    """The same runs: same suite, variants, seeds and ids."""
    one, two = made(tmp_path / "one", 0, 1), made(tmp_path / "two", 0, began_s=later)
    wanted = {
        identity_of(one.root): ["mine", "resnet20/seed0", "resnet20/seed1"],
        identity_of(two.root): ["mine", "resnet20/seed0"],
    }
    for store in (one, two, one, two, two, one):
        sync(store, uri, rebuild=rebuild)
    assert held(uri) == wanted
    client = client_of(uri)
    experiment = client.get_experiment_by_name("mine").experiment_id
    places = {run.data.tags["results"] for run in client.search_runs([experiment])}
    assert len(places) == 2  # The column by which people tell them apart.


def test_artifacts_go_to_no_other_folder(uri, tmp_path):
    one, two = made(tmp_path / "one", 0), made(tmp_path / "two", 0)
    sync(one, uri)
    before = {path for path in one.root.rglob("*")}
    sync(two, uri)
    assert {path for path in one.root.rglob("*")} == before
    assert (tmp_path / "server" / "mlartifacts").is_dir()
    assert not (two.root / "mlartifacts").exists()


def test_runs_of_a_version_without_identities_are_adopted_by_their_folder(uri, tmp_path):
    one, two = made(tmp_path / "one", 0), made(tmp_path / "two", 0, began_s=5000.0)
    sync(one, uri)
    client = client_of(uri)
    experiment = client.get_experiment_by_name("mine")
    before = client.search_runs([experiment.experiment_id])
    for run in before:
        client.delete_tag(run.info.run_id, OWNER)
        client.delete_tag(run.info.run_id, "results")
    for tag in experiment.tags:
        client.delete_experiment_tag(experiment.experiment_id, tag)
    sync(two, uri)
    sync(one, uri)
    assert held(uri) == {
        identity_of(root): ["mine", "resnet20/seed0"] for root in (one.root, two.root)
    }
    after = {run.info.run_id for run in client.search_runs([experiment.experiment_id])}
    assert {run.info.run_id for run in before} <= after
    assert client.get_experiment_by_name("mine").tags[KIND[0]] == KIND[1]


def test_an_identity_is_made_once_and_must_be_whole(tmp_path):
    found, together = [], threading.Barrier(8)

    def ask():
        together.wait()
        found.append(identity_of(tmp_path))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(found)) == 1
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    (tmp_path / FILE).write_text("torn")
    with pytest.raises(RecordsError):
        identity_of(tmp_path)


def test_numbers_are_metrics_to_sort_by_and_rounded_tags(uri, tmp_path):
    store = made(tmp_path / "one", 0, best_error_percent=47.599999999999994)
    sync(store, uri)
    client = client_of(uri)
    experiment = client.get_experiment_by_name("mine")
    assert experiment.tags[KIND[0]] == KIND[1]
    assert "&workflowType=machine_learning" in suite_links(uri, "http://here")["mine"]
    (run,) = client.search_runs(
        [experiment.experiment_id], "tags.variant = 'resnet20'", order_by=["metrics.parameters"]
    )
    assert run.data.tags["best_error_percent"] == "47.6"
    assert run.data.tags["parameters"] == "270000"
    assert run.data.metrics["best_error_percent"] == 47.599999999999994
    assert (run.data.metrics["parameters"], run.data.tags["best_epoch"]) == (270_000, "4")

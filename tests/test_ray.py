"""Runs on a real Ray of several nodes on this machine. Needs the extra ``ray``."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from conftest import TINY_SUITE, bench_alone
from safetensors.numpy import load_file

from benchmark.proof.speed import scaling
from benchmark.records import Store
from benchmark.records.comparison import compare_curves
from benchmark.scheduling.local import ThisMachine
from benchmark.scheduling.runner import run_plan
from benchmark.suite import load_suite

ray = pytest.importorskip("ray", reason="needs Ray: tox -e peers")

EPOCHS = 6
SUITE = (
    TINY_SUITE[: TINY_SUITE.index("    - name: diverges")]
    .replace("iterations: 20", "iterations: 60")
    .replace("train_per_class: 100", "train_per_class: 300")
    .replace("batch_size: 100", "batch_size: 300")
    + "seeds: [0]\n"
)


def plan_of(folder, suite=SUITE):
    path = folder / "suite.yaml"
    path.write_text(suite)
    return load_suite(path).plan


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The same runs, one after the other on this machine."""
    folder = tmp_path_factory.mktemp("alone")
    store = Store(folder / "results")
    run_plan(plan_of(folder), store, [], ThisMachine())
    return store


@pytest.fixture
def cluster(monkeypatch):
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


class Told:
    def __init__(self, on_epoch=lambda cell, epoch: None):
        self.begun, self.epochs, self.ends, self.on_epoch = [], [], [], on_epoch

    def begin(self, cell):
        self.begun.append(cell.variant)

    def event(self, cell, event):
        if event["event"] == "epoch":
            self.epochs.append((cell.variant, event["epoch"]))
            self.on_epoch(cell, event["epoch"])

    def end(self, cell, status, reason):
        self.ends.append((cell.variant, status, reason))


def place(store, cluster):
    from benchmark.scheduling.cluster import RayCluster

    return RayCluster(store, cluster.address)


def same_bits(store, alone, plan):
    for cell in plan.cells:
        here, there = store.run(cell), alone.run(cell)
        compared = compare_curves(there.events(), here.events())
        assert (compared.first, compared.epochs) == ([], EPOCHS)
        assert here.weights.read_bytes() == there.weights.read_bytes()


def test_a_node_that_is_lost_loses_no_bit(tmp_path, cluster, alone):
    plan, store = plan_of(tmp_path), Store(tmp_path / "results")
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    lost = []

    def lose(cell, epoch):
        """A node, when both runs are on the way."""
        if not lost and {variant for variant, _ in told.epochs} == {"resnet6", "plain6"}:
            lost.append(nodes[0])
            cluster.remove_node(nodes[0], allow_graceful=False)

    told = Told(lose)
    outcome = run_plan(plan, store, [told], place(store, cluster))
    assert lost and set(outcome.statuses.values()) == {"finished"}, told.ends
    assert told.begun == ["resnet6", "plain6"]
    same_bits(store, alone, plan)
    resumed = [
        event["event"]
        for cell in plan.cells
        for event in store.run(cell).events()
        if event["event"] in ("resume", "anew")
    ]
    assert len(resumed) == 1  # The other node's run was not disturbed.
    assert not list((tmp_path / "results").glob(".seen*"))


def test_a_task_whose_process_is_killed_goes_on(tmp_path, cluster, alone):
    plan, store = plan_of(tmp_path), Store(tmp_path / "results")
    cluster.add_node(num_cpus=2)
    killed = []

    def kill(cell, epoch):
        if not killed and epoch == 2:
            words = ["pgrep", "-f", str(store.run(cell).path)]
            found = subprocess.run(words, capture_output=True, text=True, check=True)
            worker = Path(f"/proc/{found.stdout.split()[0]}/stat").read_text().split()
            killed.append(int(worker[3]))  # Ray's process, which started the worker.
            os.kill(killed[0], signal.SIGKILL)

    outcome = run_plan(plan, store, [Told(kill)], place(store, cluster))
    assert killed and set(outcome.statuses.values()) == {"finished"}
    same_bits(store, alone, plan)


def test_the_plan_is_for_the_cluster(tmp_path, cluster, alone):
    plan_of(tmp_path, SUITE.replace("seeds: [0]", "seeds: [0, 1, 2]"))
    shutil.copytree(alone.root / "runs", tmp_path / "results" / "runs")
    words = ["plan", tmp_path / "suite.yaml", "--results", tmp_path / "results", "--on", "ray"]
    cluster.add_node(num_cpus=3)
    said = bench_alone(*words, "--address", cluster.address)
    assert "To be trained: 4 runs, " in said.stdout, said.stdout + said.stderr
    assert "with 3 at once" in said.stdout, said.stdout
    cluster.add_node(num_cpus=8)  # More than there are runs.
    said = bench_alone(*words, "--address", cluster.address)
    assert "with 4 at once" in said.stdout, said.stdout


def test_a_node_that_does_not_see_the_results_sends_them(tmp_path, cluster, alone):
    plan, store = plan_of(tmp_path), Store(tmp_path / "results")
    cluster.add_node(num_cpus=2)
    there = place(store, cluster)
    there._mark.unlink()  # Looked for by the tasks.
    told = Told()
    outcome = run_plan(plan, store, [told], there)
    assert set(outcome.statuses.values()) == {"finished"}, told.ends
    assert sorted(told.epochs) == [(v, n) for v in ("plain6", "resnet6") for n in range(1, 7)]
    same_bits(store, alone, plan)


@pytest.fixture
def stopped(tmp_path, alone):
    """A plan whose runs were stopped after two epochs."""
    plan, store = plan_of(tmp_path), Store(tmp_path / "results")
    run_plan(plan, store, [], ThisMachine(), epochs=2)
    assert all(list(store.run(cell).checkpoints.iterdir()) for cell in plan.cells)
    return plan, store


def test_a_node_that_does_not_see_the_results_goes_on_from_the_checkpoint(stopped, cluster, alone):
    plan, store = stopped
    cluster.add_node(num_cpus=2)
    there = place(store, cluster)
    there._mark.unlink()  # As above.
    told = Told()
    outcome = run_plan(plan, store, [told], there)
    assert set(outcome.statuses.values()) == {"finished"}, told.ends
    assert {epoch for _, epoch in told.epochs} == {3, 4, 5, 6}
    same_bits(store, alone, plan)


def test_what_fails_on_such_a_node_keeps_its_checkpoints(stopped, cluster):
    plan, store = stopped
    cluster.add_node(num_cpus=2)
    there = place(store, cluster)
    there._mark.unlink()  # As above.
    there._worker = (sys.executable, "-c", "raise SystemExit('no images here')")
    before = [sorted(store.run(cell).checkpoints.rglob("*")) for cell in plan.cells]
    outcome = run_plan(plan, store, [], there)
    assert set(outcome.statuses.values()) == {"failed"}
    assert [sorted(store.run(cell).checkpoints.rglob("*")) for cell in plan.cells] == before != []


def test_the_weights_that_a_run_begins_from_are_sent_to_it(tmp_path, cluster):
    begun = "    - {name: begun, pretrained: {source: run, name: resnet6, mode: new-head}}\n"
    suite = SUITE.replace("    - {name: plain6", begun + "    - {name: plain6")
    suite = suite.replace("iterations: 60", "iterations: 10")
    plan, store = plan_of(tmp_path, suite), Store(tmp_path / "results")
    cluster.add_node(num_cpus=2)
    there = place(store, cluster)
    there._mark.unlink()  # As above.
    told = Told()
    outcome = run_plan(plan, store, [told], there)
    assert set(outcome.statuses.values()) == {"finished"}, told.ends
    first, begun, _ = (load_file(store.run(cell).weights) for cell in plan.cells)
    assert all((first[path] == begun[path]).all() for path in first if "classifier" not in path)


def test_a_run_that_fails_says_why_and_stops_no_other(tmp_path, cluster):
    plan, store = plan_of(tmp_path), Store(tmp_path / "results")
    cluster.add_node(num_cpus=2)
    first = store.run(plan.cells[0])
    first.path.mkdir(parents=True)
    first.checkpoints.write_text("")  # A file, where the run's process is to make a folder.
    told = Told()
    outcome = run_plan(plan, store, [told], place(store, cluster))
    assert list(outcome.statuses.values()).count("finished") == 1
    assert "FileExistsError" in outcome.reasons[plan.cells[0].run_id]


@pytest.fixture
def start(tmp_path):
    """Starts the command on a Ray of its own; gives it back once a run has an epoch."""
    processes = []

    def started(suite=SUITE):
        plan = plan_of(tmp_path, suite)
        command = [sys.executable, "-m", "benchmark", "run", tmp_path / "suite.yaml"]
        process = subprocess.Popen(
            [*command, "--results", tmp_path / "results", "--on", "ray"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        processes.append(process)
        folders = [Store(tmp_path / "results").run(cell) for cell in plan.cells]
        while not any(e["event"] == "epoch" for folder in folders for e in folder.events()):
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.1)
        return process, plan

    yield started
    for process in processes:
        process.kill()
        process.wait()


def left_of(folder):
    """Processes that train in a folder, and Ray's own."""
    found = subprocess.run(
        ["pgrep", "-fa", f"{folder}/results|raylet|gcs_server"],
        capture_output=True,
        text=True,
        check=False,
    )
    return [line for line in found.stdout.splitlines() if "pgrep" not in line]


def test_a_driver_that_is_killed_leaves_no_process_and_goes_on(start, tmp_path, alone):
    process, plan = start()
    process.kill()
    process.wait()
    killed = time.monotonic()
    while left_of(tmp_path) and time.monotonic() - killed < 30:
        time.sleep(0.2)
    assert left_of(tmp_path) == []
    again = bench_alone(
        "run", tmp_path / "suite.yaml", "--results", tmp_path / "results", "--on", "ray"
    )
    assert again.returncode == 0, again.stdout + again.stderr
    same_bits(Store(tmp_path / "results"), alone, plan)


def test_ctrl_c_ends_tasks_after_a_checkpoint(start, tmp_path):
    process, plan = start(SUITE.replace("iterations: 60", "iterations: 20000"))
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "--on ray" in output[output.index("To continue:") :]
    runs = [Store(tmp_path / "results").run(cell) for cell in plan.cells]
    assert [folder.status() for folder in runs] == ["interrupted", "interrupted"]
    assert any(list(folder.checkpoints.glob("[0-9]*")) for folder in runs)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--on", "ray", "--address", "127.0.0.1:9"], "Ray cluster that answers"),
        (["--on", "ray", "--address", "nowhere"], "Ray cluster that answers"),
        (["--address", "auto"], "address is only for --on ray"),
        (["--on", "ray", "--jobs", "2"], "jobs is for this machine"),
    ],
)
def test_places_that_are_none_are_refused(tmp_path, words, said):
    plan_of(tmp_path)
    done = bench_alone("run", tmp_path / "suite.yaml", "--results", tmp_path / "results", *words)
    assert done.returncode == 2 and said in done.stderr, done.stdout + done.stderr
    assert not list(tmp_path.glob("results/*/plan.json"))


def test_the_scaling_table_says_that_nothing_is_trained(tmp_path, monkeypatch):
    monkeypatch.setitem(scaling.PLACES, "Ray nodes", (1,))
    said = []
    table = scaling.write_scaling(tmp_path, 2, 0.0, said.append, [(4, 3)]).read_text()
    assert "No run here trains" in table
    rows = [line.split(" | ")[:2] for line in table.splitlines() if line.startswith("| ")]
    processes = [["| processes", count] for count in ("1", "2")]
    nodes = [["| Ray nodes", "1"]]
    reports = [["| variants", "seeds"], ["| 4", "3"]]
    assert rows == [["| place", "at once"], *processes, *nodes, *reports]
    assert len(said) == 4 and (tmp_path / "scaling.csv").exists()
    assert pd.read_csv(tmp_path / "reports.csv")["report_s"][0] > 0

"""Several runs at once: shares of the machine, memory, Ctrl-C, and the same bits."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import TINY_SUITE, bench
from fake_gpus import fake_gpus
from typer.testing import CliRunner

from benchmark.cli import app
from benchmark.proof.speed.scaling import measure
from benchmark.records import Store
from benchmark.records.store import RunFolder
from benchmark.running.where import Where
from benchmark.scheduling import memory
from benchmark.scheduling.attempt import train_run
from benchmark.scheduling.local import ThisMachine
from benchmark.scheduling.memory import UNKNOWN_MIB, MemoryWatch, available_mib
from benchmark.scheduling.runner import run_plan
from benchmark.scheduling.share import Share, available_gpus, best_jobs, shares
from benchmark.spec import NumericsSpec
from benchmark.suite import Plan, load_suite

SUITES = sorted(Path("suites").rglob("*.yaml"))

TWO = [Share((0,)), Share((1,))]


def plan_of(folder, cells=3):
    path = folder / "suite.yaml"
    path.write_text(TINY_SUITE)
    return Plan("tiny", load_suite(path).plan.cells[:cells])


class Told:
    """A listener that keeps what it is told, in order."""

    def __init__(self, on_event=lambda cell, event: None):
        self.seen, self.on_event = [], on_event

    def begin(self, cell):
        self.seen.append(("begin", cell.variant))

    def event(self, cell, event):
        self.seen.append((event["event"], cell.variant))
        self.on_event(cell, event)

    def end(self, cell, status, reason):
        self.seen.append((status, cell.variant))


MEETS = """
echo "$RESNET_BENCH_CORES" > "$last/cores"
echo '{"event": "progress"}'
until [ -e "$last/go" ]; do sleep 0.02; done
echo '{"status": "finished"}' > "$last/result.json"
"""


def test_as_many_are_trained_at_once_as_there_are_shares(tmp_path, worker):
    worker(MEETS)
    plan, store = plan_of(tmp_path), Store(tmp_path / "results")
    first, second, third = (store.run(cell).path for cell in plan.cells)

    def let_go(cell, event):
        if ("progress", "diverges") in told.seen:
            (third / "go").touch()
        elif {("progress", "resnet6"), ("progress", "plain6")} <= set(told.seen):
            assert not third.exists()
            (first / "go").touch()
            (second / "go").touch()

    told = Told(let_go)
    outcome = run_plan(plan, store, [told], ThisMachine(TWO))
    assert set(outcome.statuses.values()) == {"finished"} and outcome.trained == 3
    assert told.seen[:2] == [("begin", "resnet6"), ("begin", "plain6")]
    assert {(path / "cores").read_text() for path in (first, second)} == {"0\n", "1\n"}


def test_ctrl_c_ends_all_of_them_after_a_checkpoint_and_again_at_once(tmp_path, worker):
    worker("""trap 'echo asked >> "$last/asked"' TERM
        echo '{"event": "progress"}'
        while :; do sleep 0.05; done""")
    plan, store = plan_of(tmp_path), Store(tmp_path / "results")

    def press(cell, event):
        """Once both are at the same."""
        if {(event["event"], "resnet6"), (event["event"], "plain6")} <= set(told.seen):
            asked = [store.run(each).path / "asked" for each in plan.cells[:2]]
            while event["event"] == "stopping" and not all(path.exists() for path in asked):
                time.sleep(0.02)
            os.kill(os.getpid(), signal.SIGINT)

    told = Told(press)
    outcome = run_plan(plan, store, [told], ThisMachine(TWO))
    assert outcome.interrupted and outcome.trained == 2
    assert set(outcome.statuses.values()) == {"interrupted"}
    assert store.run(plan.cells[2]).status() == "planned"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_of_a_listener_leaves_no_process(tmp_path, worker):
    worker('echo $$ > "$last/pid"; echo \'{"event": "progress"}\'; exec sleep 60')
    plan, store = plan_of(tmp_path), Store(tmp_path / "results")
    pids = []

    def fails(cell, event):
        """Once both have written who they are."""
        while len(pids) < 2:
            time.sleep(0.02)
            written = [path.read_text() for path in tmp_path.glob("results/runs/*/pid")]
            pids[:] = [int(text) for text in written if text.endswith("\n")]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_plan(plan, store, [Told(fails)], ThisMachine(TWO))
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_run_that_would_not_fit_waits_for_another_to_end(tmp_path, worker, monkeypatch):
    worker("""echo '{"event": "progress"}'; echo '{"status": "finished"}' > "$last/result.json" """)
    monkeypatch.setattr(memory, "available_mib", lambda: 1.5 * UNKNOWN_MIB)
    told = Told()
    outcome = run_plan(plan_of(tmp_path), Store(tmp_path / "results"), [told], ThisMachine(TWO))
    assert set(outcome.statuses.values()) == {"finished"}
    order = [(what, who) for what, who in told.seen if what != "progress"]
    names = ("resnet6", "plain6", "diverges")
    assert order == [(what, who) for who in names for what in ("begin", "finished")]


def test_one_alone_is_trained_however_little_there_is(tmp_path, worker, monkeypatch):
    worker("""echo '{"status": "finished"}' > "$last/result.json" """)
    monkeypatch.setattr(memory, "available_mib", lambda: 1.0)
    outcome = run_plan(plan_of(tmp_path, 1), Store(tmp_path / "results"), [], ThisMachine(TWO))
    assert list(outcome.statuses.values()) == ["finished"]


def test_what_a_run_needs_is_learned_from_its_like_or_else_from_the_largest(ran, tmp_path):
    plan = load_suite(ran.suite).plan
    peaks = [Store(ran.results).run(cell).result()["peak_memory_mib"] for cell in plan.cells]
    watch = MemoryWatch.of(plan.cells, Store(ran.results))
    other = plan_of(tmp_path, 1).cells[0]
    assert watch.need_mib(other) == peaks[0] > 100
    del watch._peaks[memory._kind(other.spec)]
    assert watch.need_mib(other) == max(peaks[1:])
    assert MemoryWatch.of(plan.cells, Store(tmp_path)).need_mib(other) == UNKNOWN_MIB
    room = available_mib()
    assert 100 < room < 1e7
    assert not watch.fits(other, plan.cells * int(room / min(peaks)), resident_mib=0)


def test_each_has_cores_of_its_own(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 5, 6})
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert [share.cores for share in shares(2)] == [(0, 1), (2, 5)]
    assert best_jobs([NumericsSpec()] * 9) == 5
    assert best_jobs([NumericsSpec()] * 3) == 3
    assert best_jobs([NumericsSpec()] * 8 + [NumericsSpec(threads=2)]) == 2
    assert best_jobs([NumericsSpec(threads=6)] * 2) == best_jobs([]) == 1
    with pytest.raises(ValueError, match=r"at most the cores, 5. Received: 6"):
        shares(6)


def test_each_has_gpus_of_its_own(tmp_path, monkeypatch):
    fake_gpus(tmp_path, monkeypatch, 4)
    assert [share.gpus for share in shares(4)] == [("0",), ("1",), ("2",), ("3",)]
    assert [share.gpus for share in shares(2, gpus_each=2)] == [("0", "1"), ("2", "3")]
    assert best_jobs([NumericsSpec()] * 9) == best_jobs([NumericsSpec(threads=16)] * 9) == 4
    assert best_jobs([NumericsSpec(replicas=2)] * 9) == 2
    assert best_jobs([NumericsSpec(replicas=8)] * 9) == 1
    assert shares(2)[1].environment()["CUDA_VISIBLE_DEVICES"] == "1"
    with pytest.raises(ValueError, match=r"there are 4. Received: jobs 3"):
        shares(3, gpus_each=2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,GPU-3a")
    assert available_gpus() == ["2", "GPU-3a"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert available_gpus() == []


@pytest.mark.parametrize(
    ("jobs", "said"), [("0", "above 0, or auto"), ("two", "above 0, or auto"), ("9999", "cores")]
)
def test_jobs_that_are_none_are_refused(tmp_path, jobs, said):
    (tmp_path / "suite.yaml").write_text(TINY_SUITE)
    done = bench("run", tmp_path / "suite.yaml", "--results", tmp_path / "r", "--jobs", jobs)
    assert done.returncode == 2 and said in done.stderr and jobs in done.stderr
    assert not (tmp_path / "r").exists()


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_two_at_once_give_the_bits_of_one_at_a_time(tmp_path):
    suite, results = tmp_path / "suite.yaml", tmp_path / "results"
    suite.write_text(TINY_SUITE)
    cells = load_suite(suite).plan.cells
    done = bench("run", suite, "--results", results, "--jobs", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "0 runs are done, 3 to be trained, 2 at once."
    assert [line[:5] for line in lines if line.startswith("[")][:2] == ["[1/3]", "[2/3]"]
    folder = Store(results).run(cells[0])
    alone = bench("replay", folder.run_id, "--results", results)
    assert alone.returncode == 0, alone.stdout
    again = bench("run", suite, "--results", results, "--jobs", "2")
    assert "3 runs are done, 0 to be trained" in again.stdout


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_fewer_cores_than_threads_change_no_bits(tmp_path):
    suite = tmp_path / "suite.yaml"
    suite.write_text(TINY_SUITE.replace("vary:", "  numerics: {threads: 2}\nvary:"))
    cell, cores = load_suite(suite).plan.cells[0], sorted(os.sched_getaffinity(0))[:2]
    assert cell.spec.numerics.threads == 2
    ended = []
    for number in (1, 2):
        folder = Store(tmp_path / str(number)).run(cell)
        assert train_run(cell, folder, share=Share(tuple(cores[:number]))) == ("finished", "")
        ended.append(folder.result()["final_weights_sha256"])
    assert ended[0] == ended[1] and len(ended[0]) == 64


@pytest.mark.parametrize("suite", SUITES, ids=lambda path: path.stem)
def test_no_option_of_plan_changes_an_id(suite, tmp_path, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(4)))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    ids = [f"{cell.name} {cell.run_id}" for cell in load_suite(suite).plan.cells]
    for options in ([], ["--jobs", "1"], ["--jobs", "2"], ["--on", "ray"]):
        words = ["plan", str(suite), "--results", str(tmp_path), *options]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        rows = [line.split() for line in done.stdout.splitlines()[: len(ids)]]
        assert [f"{row[0]} {row[1]}" for row in rows] == ids


def test_no_more_runs_are_trained_at_once_than_there_are(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(4)))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    cells = load_suite(SUITES[0]).plan.cells
    assert [Where(jobs=2).at_once(cells[:count]) for count in (1, 2, 3)] == [1, 2, 2]


def test_a_worker_keeps_to_its_cores():
    core = max(os.sched_getaffinity(0))
    code = (
        "import os, sys; from benchmark.worker import main; from pathlib import Path\n"
        "main.end_with_parent = lambda: None\n"
        "main.claim_stdout = lambda: sys.exit(str(sorted(os.sched_getaffinity(0))))\n"
        "main.main(Path('.'))"
    )
    environment = os.environ | Share((core,)).environment()
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == f"[{core}]\n"


def test_sleepers_stand_in_for_training():
    row = measure("processes", 1, runs=3, seconds=0.2)
    assert row.wall_s > 3 * 0.2
    assert row.overhead_s == pytest.approx(row.wall_s / 3 - 0.2)


@pytest.mark.parametrize("version", [1, 2])
def test_a_control_groups_limit_is_kept(tmp_path, monkeypatch, version):
    _, *names = memory._ROOT_V1 if version == 1 else memory._ROOT_V2
    limit, used, files = names
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    for group, most in ((inner, "max"), (inner.parent, str(300 * 2**20))):
        (group / limit).write_text(most)
        (group / used).write_text(str(200 * 2**20))
        (group / "memory.stat").write_text(f"anon 1\n{files} {150 * 2**20}\n")
    monkeypatch.setattr(memory, f"_ROOT_V{version}", (tmp_path, *names))
    line = "9:memory:/outer/inner" if version == 1 else "0::/outer/inner"
    monkeypatch.setattr(memory, "_GROUPS", tmp_path / "groups")
    (tmp_path / "groups").write_text(f"{line}\n5:devices:/\n")
    assert available_mib() == 300 - (200 - 150)


def test_a_folder_that_cannot_be_read_stops_no_other_run(tmp_path, worker, monkeypatch):
    worker("""echo '{"status": "finished"}' > "$last/result.json" """)
    plan, store = plan_of(tmp_path), Store(tmp_path / "results")
    unreadable, told = store.run(plan.cells[0]).path, Told()
    status = RunFolder.status

    def torn(folder):
        if folder.path == unreadable and told.seen:
            raise OSError(116, "Stale file handle", str(folder.path))
        return status(folder)

    monkeypatch.setattr(RunFolder, "status", torn)
    plan = Plan("tiny", plan.cells[1:] + plan.cells[:1])
    outcome = run_plan(plan, store, [told], ThisMachine())
    assert sorted(outcome.statuses.values()) == ["failed", "finished", "finished"]
    assert "Stale file handle" in outcome.reasons[unreadable.name]


def test_what_another_process_tries_again_is_none_of_ours(tmp_path, worker):
    worker("exit 3")
    plan, store = plan_of(tmp_path, 2), Store(tmp_path / "results")
    run_plan(Plan("tiny", plan.cells[1:]), store, [], ThisMachine())

    class Meanwhile(Told):
        def begin(self, cell):
            super().begin(cell)
            (store.run(plan.cells[1]).path / "result.json").unlink()  # It is begun again.

    told = Meanwhile()
    outcome = run_plan(plan, store, [told], ThisMachine())
    assert [variant for _, variant in told.seen] == ["resnet6", "resnet6"]
    assert outcome.statuses[plan.cells[1].run_id] == "unfinished"

"""How runs are started, held and told of, mostly without training."""

import io
import json
import shutil
import sys

import pytest
from conftest import TINY_SUITE
from rich.console import Console

from benchmark.execution.lease import lease
from benchmark.execution.local import run_plan
from benchmark.execution.mirroring import BackgroundMirror
from benchmark.execution.progress import ProgressDisplay
from benchmark.records import Store
from benchmark.records.files import write_json
from benchmark.records.problems import RecordsError
from benchmark.suite import Plan, load_suite


class Told:
    """A listener that keeps what it is told."""

    def __init__(self):
        self.events, self.ends = [], []

    def begin(self, cell):
        pass

    def event(self, cell, event):
        self.events.append(event)

    def end(self, cell, status, reason):
        self.ends.append((cell.variant, status, reason))


def plan_of(folder, text=TINY_SUITE, cells=1):
    """The first cells of a suite."""
    path = folder / "suite.yaml"
    path.write_text(text)
    return Plan("tiny", load_suite(path).plan.cells[:cells])


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """Puts a shell script in the place of the workers' Python."""

    def put(text):
        script = tmp_path / "worker"
        script.write_text(f"#!/bin/sh\n{text}\n")
        script.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(script))

    return put


def test_an_attempt_that_fails_at_once_has_no_numbers_of_the_one_before(ran, tmp_path, worker):
    shutil.copytree(ran.results / "runs", tmp_path / "results" / "runs")
    plan, store = plan_of(tmp_path), Store(tmp_path / "results")
    folder = store.run(plan.cells[0])
    write_json(folder.path / "result.json", folder.result() | {"status": "interrupted"})
    folder.log.write_text("the last word of the first attempt\n")
    worker("exit 3")
    outcome = run_plan(plan, store, [])
    assert outcome.statuses == {folder.run_id: "failed"}
    result = folder.result()
    assert (result["status"], result["reason"], result["attempt"]) == ("failed", "exit code 3", 2)
    assert (result["epochs"], result["final_error_percent"]) == (0, None)
    assert [event["event"] for event in folder.events()] == ["start"]
    assert folder.provenance() == {}


def test_half_a_line_of_a_killed_worker_is_left_out(tmp_path, worker):
    worker("""printf '{"event": "progress"}\\n{"event": "epo'; kill -9 $$""")
    told = Told()
    run_plan(plan_of(tmp_path), Store(tmp_path / "results"), [told])
    assert told.events == [{"event": "progress"}]
    assert told.ends == [("resnet8", "failed", "killed by SIGKILL (out of memory?)")]


def test_a_run_that_another_process_holds_is_left_alone(tmp_path, worker):
    worker("exit 3")
    plan, store, told = plan_of(tmp_path, cells=2), Store(tmp_path / "results"), Told()
    with lease(store.run(plan.cells[0])) as lock:
        assert lock is not None
        outcome = run_plan(plan, store, [told])
    assert list(outcome.statuses.values()) == ["busy", "failed"]
    assert told.ends[0] == ("resnet8", "busy", "another process is training this run")
    assert store.run(plan.cells[0]).status() == "planned"


def test_a_worker_that_lives_on_holds_its_run(tmp_path):
    import subprocess

    folder = Store(tmp_path).run("0" * 16)
    with lease(folder) as lock:
        left = subprocess.Popen(["sleep", "60"], pass_fds=[lock])
    try:
        with lease(folder) as lock:
            assert lock is None
    finally:
        left.kill()
        left.wait()
    with lease(folder) as lock:
        assert lock is not None


def test_a_folder_that_cannot_be_written_stops_no_other_run(tmp_path, worker):
    worker("exit 3")
    plan, store = plan_of(tmp_path, cells=2), Store(tmp_path / "results")
    (store.run(plan.cells[0]).path / "lock").mkdir(parents=True)
    told = Told()
    run_plan(plan, store, [told])
    assert told.ends[0][1] == "failed" and "IsADirectoryError" in told.ends[0][2]
    assert told.ends[1] == ("plain8", "failed", "exit code 3")


def test_records_that_cannot_be_read_or_written_stop_no_other_run(tmp_path, worker):
    # The worker's last line is no event, and there is a folder where its result is to go.
    worker("""for last; do :; done; echo nonsense >> "$last/journal.jsonl"; exit 3""")
    plan, store, told = plan_of(tmp_path, cells=3), Store(tmp_path / "results"), Told()
    (store.run(plan.cells[1]).path / "log.txt").mkdir(parents=True)
    run_plan(plan, store, [told])
    assert [status for _, status, _ in told.ends] == ["failed"] * 3
    assert [reason for _, _, reason in told.ends][::2] == ["exit code 3"] * 2
    assert "IsADirectoryError" in told.ends[1][2]
    assert store.run(plan.cells[0]).result()["status"] == "failed"
    with pytest.raises(RecordsError, match=r"journal\.jsonl:2"):
        store.run(plan.cells[0]).events()


def test_ctrl_c_at_a_runs_very_end_leaves_it_finished(tmp_path, worker):
    # A worker that is asked to stop when it has written its result already.
    worker(
        """for last; do :; done
        trap 'echo "{\\"status\\": \\"finished\\"}" > "$last/result.json"; exit 0' TERM
        echo '{"event": "progress"}'
        while :; do sleep 0.1; done"""
    )

    class Impatient(Told):
        def event(self, cell, event):
            super().event(cell, event)
            if event["event"] == "progress":
                raise KeyboardInterrupt

    plan, store, told = plan_of(tmp_path, cells=2), Store(tmp_path / "results"), Impatient()
    outcome = run_plan(plan, store, [told])
    assert outcome.interrupted and outcome.trained == 1
    assert store.run(plan.cells[0]).status() == "finished"
    reason = "Ctrl-C; this run is finished all the same"
    assert told.ends == [("resnet8", "interrupted", reason)]


def test_modules_of_the_current_folder_are_not_the_workers(tmp_path, monkeypatch):
    for name in ("keras", "json"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('not the real one')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RESNET_BENCH_DATA", str(tmp_path / "no-images"))
    told = Told()
    run_plan(plan_of(tmp_path, TINY_SUITE.replace("-subset", "")), Store(tmp_path / "r"), [told])
    assert "resnet-bench data get cifar10" in told.ends[0][2]  # It came as far as the images.


def test_a_mirror_that_hangs_or_fails_without_a_word_is_a_problem(ran, tmp_path, monkeypatch):
    import threading

    from benchmark.execution import mirroring

    plan, never = plan_of(tmp_path), threading.Event()
    monkeypatch.setattr(mirroring, "MlflowMirror", lambda *_: never.wait())
    mirror = BackgroundMirror(Store(ran.results), plan, "http://hangs")
    mirror.close("", [], timeout=0.1)
    assert "within" in mirror.problem
    never.set()

    def fail(*_):
        raise RuntimeError

    monkeypatch.setattr(mirroring, "MlflowMirror", fail)
    mirror = BackgroundMirror(Store(ran.results), plan, "http://fails")
    mirror.close("", [])
    assert mirror.problem == "RuntimeError"


def test_the_live_display_shows_a_runs_progress_and_its_end(ran, tmp_path):
    plan = plan_of(tmp_path)
    cell, screen = plan.cells[0], io.StringIO()
    events = Store(ran.results).run(cell).events()
    with ProgressDisplay([cell], Console(force_terminal=True, file=screen, width=160)) as display:
        display.begin(cell)
        for epoch in (event for event in events if event["event"] == "epoch"):
            progress = {"event": "progress", "iterations": 20, "images_per_s": 321.0}
            display.event(cell, epoch | progress)
            display.progress.refresh()
            display.event(cell, json.loads(json.dumps(epoch)))
        display.end(cell, "finished", "")
    shown = screen.getvalue()
    for text in ("resnet8/seed0", "all runs", "epoch 2, test error", "321 images/s", "finished"):
        assert text in shown
    assert display.progress.finished

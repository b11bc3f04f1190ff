"""How runs are started, held and told of, mostly without training."""

import errno
import io
import json
import logging
import os
import platform
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import TINY_SUITE
from made_records import made_cell
from rich.console import Console

from benchmark.listening.mirroring import BackgroundMirror
from benchmark.listening.progress import ProgressDisplay
from benchmark.records import Store
from benchmark.records.files import write_json
from benchmark.records.problems import DiskFullError, RecordsError
from benchmark.scheduling.local import ThisMachine
from benchmark.scheduling.runner import run_plan
from benchmark.suite import Plan, load_suite
from benchmark.worker.failure import BUILDING, LOADING, of_error
from benchmark.worker.lease import EXPIRES_S, holder, lease


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


def test_an_attempt_that_fails_at_once_has_no_numbers_of_the_one_before(ran, tmp_path, worker):
    shutil.copytree(ran.results / "runs", tmp_path / "results" / "runs")
    plan, store = plan_of(tmp_path), Store(tmp_path / "results")
    folder = store.run(plan.cells[0])
    write_json(folder.path / "result.json", folder.result() | {"status": "interrupted"})
    folder.log.write_text("the last word of the first attempt\n")
    worker("exit 3")
    outcome = run_plan(plan, store, [], ThisMachine())
    assert outcome.statuses == {folder.run_id: "failed"}
    result = folder.result()
    assert (result["status"], result["reason"], result["attempt"]) == ("failed", "exit code 3", 2)
    assert result["failure"] == "error"
    assert (result["epochs"], result["final_error_percent"]) == (0, None)
    assert [event["event"] for event in folder.events()] == ["start"]
    assert folder.provenance() == {}


def test_half_a_line_of_a_killed_worker_is_left_out(tmp_path, worker):
    worker("""printf '{"event": "progress"}\\n{"event": "epo'; kill -9 $$""")
    told = Told()
    run_plan(plan_of(tmp_path), Store(tmp_path / "results"), [told], ThisMachine())
    assert told.events == [{"event": "progress"}]
    assert told.ends == [("resnet6", "failed", "killed: by SIGKILL")]


def test_a_run_that_another_process_holds_is_left_alone(tmp_path, worker):
    worker("exit 3")
    plan, store, told = plan_of(tmp_path, cells=2), Store(tmp_path / "results"), Told()
    with lease(store.run(plan.cells[0])) as lock:
        assert lock is not None
        outcome = run_plan(plan, store, [told], ThisMachine())
    assert list(outcome.statuses.values()) == ["busy", "failed"]
    assert told.ends[0][:2] == ("resnet6", "busy") and platform.node() in told.ends[0][2]
    assert store.run(plan.cells[0]).status() == "planned"


def left_lease(folder, held_by, age_s=0.0):
    """A lease file without a lock, as another machine sees it, renewed so long ago."""
    folder.path.mkdir(parents=True, exist_ok=True)
    file = folder.path / "lease.1"
    file.write_text(held_by)
    os.utime(file, (time.time() - age_s,) * 2)


OTHER = "0123456789abcdef 00000000-0000-0000-0000-000000000000"


def test_a_run_of_another_machine_is_left_alone_until_its_lease_expires(tmp_path, worker):
    worker("exit 3")
    plan, store = plan_of(tmp_path), Store(tmp_path / "results")
    folder = store.run(plan.cells[0])
    left_lease(folder, OTHER, EXPIRES_S - 60)
    assert list(run_plan(plan, store, [], ThisMachine()).statuses.values()) == ["busy"]
    assert (folder.path / "lease.1").read_text() == OTHER
    left_lease(folder, OTHER, EXPIRES_S + 60)
    assert list(run_plan(plan, store, [], ThisMachine()).statuses.values()) == ["failed"]
    assert [file.name for file in folder.path.glob("lease*")] == ["lease.2"]
    assert (folder.path / "lease.2").read_text() == "free"


@pytest.mark.parametrize("boot", ["this", "an earlier one"])
def test_a_lease_that_a_killed_process_of_this_machine_left_is_free_at_once(tmp_path, boot):
    folder = Store(tmp_path).run("0" * 16)
    here = holder().split(" ")[0]
    left_lease(folder, holder() if boot == "this" else f"{here} 00000000-0000-0000-0000-0")
    with lease(folder) as lock:
        assert lock is not None and lock.is_held()
        assert (folder.path / "lease.2").read_text() == holder()


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("left", [None, OTHER])
def test_of_machines_that_come_at_once_one_holds_the_run(tmp_path, monkeypatch, left, links):
    """No machine hears of the locks of others; threads stand in for them."""
    from benchmark.worker import lease as module

    def no_links(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    names = threading.local()
    monkeypatch.setattr(module, "holder", lambda: names.own)
    monkeypatch.setattr(module.locks.fcntl, "flock", lambda *_: None)
    if not links:
        monkeypatch.setattr(module.os, "link", no_links)
    together, over = threading.Barrier(6), threading.Barrier(6)

    def come(number, folders):
        held = 0
        names.own = f"{number} boot"
        for folder in folders:
            together.wait()
            with lease(folder) as lock:
                if lock is not None and lock.is_held():
                    held += 1
                    folder.begin()  # Which tidies up what is half written.
                over.wait()
        return held

    folders = [Store(tmp_path).run(f"{number:016}") for number in range(100)]
    for folder in folders if left else ():
        left_lease(folder, left, EXPIRES_S + 60)
    with ThreadPoolExecutor(6) as pool:
        held = list(pool.map(lambda number: come(number, folders), range(6)))
    assert sum(held) == len(folders) and sorted(held)[-2] > 0
    names_left = {path.name for folder in folders for path in folder.path.iterdir()}
    assert names_left == {"lock", "lease.2" if left else "lease.1", "journal.jsonl"}
    assert {folder.attempts() for folder in folders} == {1}


def test_what_another_machine_has_taken_over_is_left_to_it(tmp_path, worker):
    # The worker sees its lease taken, as this machine had stood still, and ends.
    worker(f"""for last; do :; done; printf '{OTHER}' > "$last/lease.2"; exit 1""")
    plan, store, told = plan_of(tmp_path), Store(tmp_path / "results"), Told()
    run_plan(plan, store, [told], ThisMachine())
    folder = store.run(plan.cells[0])
    assert told.ends == [("resnet6", "busy", "another machine has taken this run over")]
    assert folder.result() is None and (folder.path / "lease.2").read_text() == OTHER


def test_a_lease_is_renewed_and_a_worker_whose_lease_was_taken_ends(tmp_path):
    folder = Store(tmp_path).run("0" * 16)
    code = (
        "import sys, time; from pathlib import Path; from benchmark.worker import lease\n"
        "from benchmark.records.store import RunFolder\n"
        "lease.RENEW_S = 0.05\n"
        "lease.keep_renewing(RunFolder(Path(sys.argv[1])))\n"
        "time.sleep(60)"
    )
    with lease(folder):
        file = folder.path / "lease.1"
        os.utime(file, (0, 0))
        process = subprocess.Popen(
            [sys.executable, "-c", code, folder.path], stderr=subprocess.PIPE, text=True
        )
        while file.stat().st_mtime < 1 and process.poll() is None:
            time.sleep(0.05)
        assert process.poll() is None
        file.write_text("another machine's")
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "another machine has taken this run over" in errors


def test_a_worker_writes_nothing_once_its_lease_was_taken(tmp_path):
    """It stood still meanwhile: no thread of its own has looked yet."""
    folder = Store(tmp_path).run("0" * 16)
    code = (
        "import sys; from pathlib import Path\n"
        "from benchmark.worker import lease, main, train\n"
        "lease.keep_renewing = lambda folder: None\n"
        "def replaced(path, tell, stop, before_writing):\n"
        "    before_writing(); (path / 'lease.2').write_text('another'); before_writing()\n"
        "    (path / 'result.json').write_text('mine')\n"
        "train.train_folder = replaced\n"
        "main.main(Path(sys.argv[1]))"
    )
    with lease(folder):
        done = subprocess.run(
            [sys.executable, "-c", code, folder.path], capture_output=True, text=True, check=False
        )
    assert done.returncode == 1 and "another machine has taken this run over" in done.stderr
    assert not (folder.path / "result.json").exists()


def test_a_failed_run_is_tried_again_where_that_is_asked_for(tmp_path, worker):
    worker("exit 3")
    plan, store = plan_of(tmp_path, cells=2), Store(tmp_path / "results")
    first = run_plan(plan, store, [], ThisMachine())
    again = run_plan(plan, store, [], ThisMachine())
    assert (first.trained, again.trained) == (2, 0)
    assert first.statuses == again.statuses and set(again.statuses.values()) == {"failed"}
    retried = run_plan(plan, store, [], ThisMachine(), retry_failed=True)
    assert retried.trained == 2
    assert [store.run(cell).attempts() for cell in plan.cells] == [2, 2]


def test_what_failed_with_another_process_meanwhile_is_not_tried_again(tmp_path, worker):
    worker("exit 3")
    plan, store = plan_of(tmp_path, cells=2), Store(tmp_path / "results")

    class Meanwhile(Told):
        def end(self, cell, status, reason):
            super().end(cell, status, reason)
            if len(self.ends) == 1:  # Another process takes the second run now.
                run_plan(Plan("tiny", plan.cells[1:]), store, [], ThisMachine(), retry_failed=True)

    for attempts, retry in enumerate((False, True), start=1):
        outcome = run_plan(plan, store, [Meanwhile()], ThisMachine(), retry_failed=retry)
        assert set(outcome.statuses.values()) == {"failed"}
        assert [store.run(cell).attempts() for cell in plan.cells] == [attempts] * 2


def test_a_reason_that_cannot_be_recorded_is_told_all_the_same(tmp_path, worker, monkeypatch):
    def full(*_):
        raise DiskFullError(28, "No space left on device", "result.json")

    monkeypatch.setattr("benchmark.records.store.RunFolder.end", full)
    told = '{"event": "failed", "failure": "disk full", "reason": "no room"}'
    worker(f"echo '{told}'; exit 1")
    plan, store = plan_of(tmp_path), Store(tmp_path / "results")
    outcome = run_plan(plan, store, [], ThisMachine())
    assert list(outcome.reasons.values()) == ["disk full: no room"]


@pytest.mark.parametrize(
    ("raised", "failure"),
    [
        ("MemoryError()", "out of memory"),
        ("tf.errors.ResourceExhaustedError(None, None, 'no room')", "out of memory"),
        ("OSError(28, 'No space left on device', 'a')", "disk full"),
        ("DiskFullError(122, 'Quota exceeded', 'a')", "disk full"),
        ("DataError('not the real ones')", "unreadable data"),
        ("ValueError('depth')", "model not built"),
        ("RecordsError('torn')", "error"),
        ("PermissionError(13, 'Permission denied', 'a')", "model not built"),
    ],
)
def test_each_failure_has_its_kind(raised, failure):
    import tensorflow as tf

    from benchmark.data.images import DataError

    names = {"tf": tf, "DataError": DataError, "DiskFullError": DiskFullError}
    error = eval(raised, names | {"RecordsError": RecordsError})
    assert of_error(error, BUILDING)["failure"] == failure
    if isinstance(error, ValueError) and failure != "error":
        assert of_error(error)["failure"] == "error"
        assert of_error(error, LOADING)["failure"] == "unreadable data"


def test_a_workers_own_word_is_the_reason(tmp_path, worker):
    told = '{"event": "failed", "failure": "disk full", "reason": "no room"}'
    worker(f"echo '{told}'; echo the end of a traceback >&2; exit 1")
    plan, store, listener = plan_of(tmp_path), Store(tmp_path / "results"), Told()
    run_plan(plan, store, [listener], ThisMachine())
    assert listener.ends == [("resnet6", "failed", "disk full: no room")]
    result = store.run(plan.cells[0]).result()
    assert (result["failure"], result["reason"]) == ("disk full", "no room")


def test_a_worker_that_the_kernel_killed_for_memory(tmp_path, worker, monkeypatch):
    kills = iter(range(10))
    monkeypatch.setattr("benchmark.worker.failure.oom_kills", lambda: next(kills))
    worker("kill -9 $$")
    told = Told()
    run_plan(plan_of(tmp_path), Store(tmp_path / "results"), [told], ThisMachine())
    assert told.ends == [("resnet6", "failed", "out of memory: the kernel killed it")]


def test_a_worker_that_is_killed_after_its_result_has_finished(tmp_path, worker):
    worker(
        """for last; do :; done; mkdir "$last/checkpoints"
        echo '{"status": "finished"}' > "$last/result.json"; kill -9 $$"""
    )
    plan, store = plan_of(tmp_path), Store(tmp_path / "results")
    assert set(run_plan(plan, store, [], ThisMachine()).statuses.values()) == {"finished"}
    run_plan(plan, store, [], ThisMachine())
    assert not store.run(plan.cells[0]).checkpoints.exists()


def test_a_worker_that_lives_on_holds_its_run(tmp_path):
    is_held_while_a_worker_lives(Store(tmp_path).run("0" * 16))


def is_held_while_a_worker_lives(folder):
    with lease(folder) as lock:
        left = subprocess.Popen(["sleep", "60"], pass_fds=[lock.descriptor])
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
    run_plan(plan, store, [told], ThisMachine())
    assert told.ends[0][1] == "failed" and "IsADirectoryError" in told.ends[0][2]
    assert told.ends[1] == ("plain6", "failed", "error: exit code 3")


def test_records_that_cannot_be_read_or_written_stop_no_other_run(tmp_path, worker):
    # The worker's last line is no event, and there is a folder where its result is to go.
    worker("""for last; do :; done; echo nonsense >> "$last/journal.jsonl"; exit 3""")
    plan, store, told = plan_of(tmp_path, cells=3), Store(tmp_path / "results"), Told()
    (store.run(plan.cells[1]).path / "log.txt").mkdir(parents=True)
    run_plan(plan, store, [told], ThisMachine())
    assert [status for _, status, _ in told.ends] == ["failed"] * 3
    assert [reason for _, _, reason in told.ends][::2] == ["error: exit code 3"] * 2
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
                os.kill(os.getpid(), signal.SIGINT)

    plan, store, told = plan_of(tmp_path, cells=2), Store(tmp_path / "results"), Impatient()
    outcome = run_plan(plan, store, [told], ThisMachine())
    assert outcome.interrupted and outcome.trained == 1
    assert store.run(plan.cells[0]).status() == "finished"
    assert told.ends == [("resnet6", "finished", "")]
    assert {"event": "stopping"} in told.events


def test_modules_of_the_current_folder_are_not_the_workers(tmp_path, monkeypatch):
    for name in ("keras", "json"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('not the real one')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RESNET_BENCH_DATA", str(tmp_path / "no-images"))
    told = Told()
    run_plan(
        plan_of(tmp_path, TINY_SUITE.replace("-subset", "")),
        Store(tmp_path / "r"),
        [told],
        ThisMachine(),
    )
    assert "resnet-bench data get cifar10" in told.ends[0][2]  # It came as far as the images.


def test_a_mirror_that_hangs_or_fails_without_a_word_is_a_problem(ran, tmp_path, monkeypatch):
    from benchmark.listening import mirroring

    plan, never = plan_of(tmp_path), threading.Event()
    monkeypatch.setattr(mirroring, "mirror_of", lambda *_: never.wait())
    mirror = BackgroundMirror(Store(ran.results), plan, "http://hangs")
    mirror.close("", [], patience=0.1)
    assert mirror.problem == "nothing was sent for 0.1 s"
    never.set()

    def fail(*_):
        raise RuntimeError

    monkeypatch.setattr(mirroring, "mirror_of", fail)
    mirror = BackgroundMirror(Store(ran.results), plan, "http://fails")
    mirror.close("", [])
    assert mirror.problem == "RuntimeError"


def test_the_mirror_has_idle_time_alone_while_a_run_is_trained(tmp_path, monkeypatch):
    from benchmark.listening import mirroring

    plan, seen = plan_of(tmp_path), queue.Queue()

    class Mirror:
        def __init__(self, *_):
            pass

        def mirror(self, row):
            seen.put(os.sched_getscheduler(threading.get_native_id()))

    monkeypatch.setattr(mirroring, "mirror_of", Mirror)
    mirror = BackgroundMirror(Store(tmp_path), plan, "http://any")
    mirror.begin(plan.cells[0])
    mirror.event(plan.cells[0], {"event": "epoch"})
    assert seen.get(timeout=10) == os.SCHED_IDLE
    mirror.end(plan.cells[0], "finished", "")
    assert seen.get(timeout=10) == os.SCHED_OTHER
    mirror.close()


class Begun:
    """A mirror that has its experiment."""

    experiment = "7"

    def __init__(self, *_):
        pass

    def mirror(self, row):
        pass


@pytest.mark.parametrize(
    ("uri", "page"),
    [
        ("http://ann:s3cret@host:5000/", "http://host:5000/#/experiments/7/runs?"),
        ("sqlite:///a.db", None),
    ],
)
def test_the_page_on_a_server_is_told_once_as_a_run_begins(tmp_path, monkeypatch, uri, page):
    from benchmark.listening import mirroring

    monkeypatch.setattr(mirroring, "mirror_of", Begun)
    plan, said, here = plan_of(tmp_path), [], threading.get_ident()
    mirror = BackgroundMirror(
        Store(tmp_path), plan, uri, lambda line: said.append((line, threading.get_ident()))
    )
    mirror.end = lambda *_: None
    mirror._jobs.put(lambda _: ready.set())
    ready = threading.Event()
    assert ready.wait(10)
    mirror.begin(plan.cells[0])
    early = list(said)
    mirror.event(plan.cells[0], {"event": "epoch"})
    mirror.close()
    assert said == early  # By the first word on a run, and once.
    assert [(line.split()[1].partition("searchFilter")[0], by) for line, by in said] == (
        [(page, here)] if page else []
    )


def test_runs_and_a_mirror_that_is_behind_are_logged(tmp_path, monkeypatch, caplog, worker):
    from benchmark.listening import mirroring

    def fail(*_):
        raise RuntimeError

    monkeypatch.setattr(mirroring, "mirror_of", fail)
    plan, store, log = plan_of(tmp_path), Store(tmp_path / "results"), "resnet_bench.runs"
    caplog.set_level(logging.DEBUG, logger=log)
    BackgroundMirror(store, plan, "http://fails").close("", [])
    worker("""printf '{"event": "epoch"}\\n'; exit 3""")
    run_plan(plan, store, [], ThisMachine())
    assert [record[:2] for record in caplog.record_tuples] == [
        (log, logging.WARNING),
        (log, logging.INFO),
        (log, logging.DEBUG),
        (log, logging.WARNING),
    ]
    assert all(plan.cells[0].name in record.getMessage() for record in caplog.records[1:])


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
    for text in ("resnet6/seed0", "all runs", "epoch 2, test error", "321 images/s", "finished"):
        assert text in shown
    assert display.progress.finished


def test_the_last_run_alone_takes_as_long_as_its_own_pace_says(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    cells, screen = [made_cell(seed=seed) for seed in range(3)], io.StringIO()
    half = {"event": "epoch", "epoch": 1, "iteration": 32_000, "images_per_s": 3.0}
    display = ProgressDisplay(cells, Console(file=screen, width=160))
    for cell in cells[:2]:
        display.begin(cell)
    clock[0] = 100.0
    for cell in cells[:2]:
        display.end(cell, "finished", "")
    display.begin(cells[2])
    clock[0] = 150.0
    display.event(cells[2], half | {"train_loss": 1.0})
    assert "0 min 50 s left of the suite" in screen.getvalue()


def test_a_detectors_progress_is_its_loss_and_its_average_precision(tmp_path):
    cell, screen = plan_of(tmp_path).cells[0], io.StringIO()
    row = {"iteration": 10, "images_per_s": 3.0, "train_loss": 1.2345}
    scored = row | {"event": "epoch", "epoch": 1, "test_ap_percent": 12.345}
    with ProgressDisplay([cell], Console(file=screen, width=160)) as display:
        display.begin(cell)
        display.event(cell, row | {"event": "progress"})
        assert "epoch 1, train loss 1.234, 3 images/s" in str(display.progress.tasks)
        display.event(cell, scored)
        display.event(cell, row | {"event": "epoch", "epoch": 2})
        display.end(cell, "finished", "")
    assert "iteration 10, train loss 1.234, test AP 12.35 %, 3 images/s" in screen.getvalue()
    assert "epoch 2, iteration 10, train loss 1.234, 3 images/s" in screen.getvalue()

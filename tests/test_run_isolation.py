"""What lies or appears in one run's folder or process stops no other run."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from conftest import TINY_SUITE, bench
from made_records import made_suite, record
from test_execution import Told

from benchmark.commands.terminal import RUNS_FAILED
from benchmark.records import Store, load_runs
from benchmark.records.files import write_json
from benchmark.records.frames import load_all
from benchmark.report.paper.costs import recorded_rates
from benchmark.reproduction.verify import candidates
from benchmark.scheduling.estimate import estimate
from benchmark.scheduling.local import ThisMachine
from benchmark.scheduling.runner import run_plan
from benchmark.status import Status
from benchmark.suite import Plan, load_suite
from benchmark.tracking.lookup import found_run
from benchmark.worker.lease import lease
from benchmark.worker.main import EVENTS


@pytest.fixture
def plan(tmp_path):
    (tmp_path / "suite.yaml").write_text(TINY_SUITE)
    return Plan("tiny", load_suite(tmp_path / "suite.yaml").plan.cells)


NOISE = [
    "Using a library!",
    '{"not": "an event"}',
    "[1]",
    '"event"',
    "\\377\\n",
    "",
]


@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize("where", ["its stdout", "the events' pipe"])
def test_what_a_library_prints_goes_to_the_log(tmp_path, plan, monkeypatch, noise, where):
    script, told = tmp_path / "python", Told()
    events = f'/dev/fd/"${EVENTS}"'
    place = events if where == "the events' pipe" else "/dev/stdout"
    script.write_text(
        "#!/bin/sh\nfor last; do :; done\n"
        f"printf '{noise}\\n' >>{place}\n"
        f"""echo '{{"event": "progress"}}' >{events}\n"""
        """echo '{"status": "finished"}' > "$last/result.json"\n"""
    )
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    store = Store(tmp_path / "results")
    run_plan(plan, store, [told], ThisMachine())
    assert [status for _, status, _ in told.ends] == ["finished"] * 3
    assert told.events == [{"event": "progress"}] * 3
    assert store.run(plan.cells[0]).log.read_bytes() == f"{noise}\n".encode().replace(
        b"\\377\\n", b"\xff\n"
    )


def test_what_is_printed_before_the_worker_begins_is_no_event(tmp_path, plan):
    """As by a sitecustomize, or a module that prints as it is imported."""
    store = Store(tmp_path / "results")
    folder = store.run(plan.cells[0])
    folder.prepare(plan.cells[0].spec)
    reading, writing = os.pipe()
    code = (
        "import sys; print('hello')\n"
        "from pathlib import Path; from benchmark.worker import main, train\n"
        "def replaced(path, tell, stop, before_writing):\n"
        "    print('a library'); tell({'event': 'progress'})\n"
        "    import subprocess; subprocess.run(['echo', 'a child'])\n"
        "train.train_folder = replaced\n"
        "main.main(Path(sys.argv[1]))"
    )
    with lease(folder):
        done = subprocess.run(
            [sys.executable, "-c", code, folder.path],
            pass_fds=[writing],
            env=os.environ | {EVENTS: str(writing)},
            capture_output=True,
            check=False,
        )
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        assert [json.loads(line) for line in told] == [{"event": "progress"}]
    assert done.returncode == 0
    assert sorted(done.stdout.splitlines()) == [b"a child", b"a library", b"hello"]


STRAY = [
    "lease.3 (conflicted copy)",
    "lease.",
    "lease.x",
    "lease.1.swp",
    ".DS_Store",
    "result (1).json",
    ".x.aside/inside",
    "evaluations/ten-crop (copy)/result.json",
    "evaluations/ten-crop-32/result.json",
    "checkpoints/nonsense/file",
    "checkpoints/000000000001-x",
]


@pytest.mark.parametrize("name", STRAY)
def test_a_stray_file_in_a_runs_folder_is_ignored(tmp_path, plan, worker, name):
    worker("""echo '{"status": "finished"}' > "$last/result.json" """)
    store, told = Store(tmp_path / "results"), Told()
    path = store.run(plan.cells[0]).path / name
    path.parent.mkdir(parents=True)
    path.write_text("nonsense")
    run_plan(plan, store, [told], ThisMachine())
    assert [status for _, status, _ in told.ends] == ["finished"] * 3
    assert store.run(plan.cells[0]).tested() == {}


def test_stray_folders_among_runs_and_suites_are_ignored(tmp_path, plan):
    store = Store(tmp_path / "results")
    folders = [record(store, cell) for cell in plan.cells]
    store.suite("tiny").save_plan(load_suite(tmp_path / "suite.yaml"))
    shutil.copytree(folders[0].path, store.root / "runs" / f"{folders[0].run_id} (copy)")
    shutil.copytree(store.root / "tiny", store.root / "tiny (conflicted copy)")
    (store.root / "runs" / ".DS_Store").write_text("")
    assert [folder.run_id for folder in store.runs()] == sorted(each.run_id for each in folders)
    assert store.suites() == ["tiny"] and len(load_runs(store.root)) == 3
    assert estimate(plan.cells, store) is None  # They were trained on another machine.


def _folder_for_result(path):
    (path / "result.json").unlink(missing_ok=True)
    (path / "result.json").mkdir(parents=True)


def _file_for_folder(path):
    path.parent.mkdir(parents=True)
    path.write_text("")


def _link(path):
    path.parent.mkdir(parents=True)
    path.symlink_to(path.parent)


def _folder_for_journal(path):
    (path / "journal.jsonl").mkdir(parents=True)


def _lock_is_a_folder(path):
    (path / "lock").mkdir(parents=True)


def _lease_is_a_folder(path):
    (path / "lease.1").mkdir(parents=True)


def _bytes_for_spec(path):
    path.mkdir(parents=True)
    (path / "spec.json").write_bytes(b"\xff\x00")


BROKEN = [_folder_for_result, _file_for_folder, _link, _folder_for_journal]
BROKEN += [_lock_is_a_folder, _lease_is_a_folder, _bytes_for_spec]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_folder_that_cannot_be_used_costs_its_own_run_alone(tmp_path, plan, worker, broken):
    worker("""echo '{"status": "finished"}' > "$last/result.json" """)
    store = Store(tmp_path / "results")
    broken(store.root / "runs" / plan.cells[0].run_id)
    outcome = run_plan(plan, store, [], ThisMachine())
    first, *others = plan.cells
    assert outcome.statuses[first.run_id] == "failed" and outcome.reasons[first.run_id]
    assert {outcome.statuses[cell.run_id] for cell in others} == {"finished"}


def test_plan_shows_a_run_whose_folder_cannot_be_looked_into(tmp_path, plan):
    store = Store(tmp_path / "results")
    _folder_for_result(store.root / "runs" / plan.cells[0].run_id)
    assert store.status(plan.cells[0]) == Status.UNREADABLE
    done = bench("plan", tmp_path / "suite.yaml", "--results", store.root)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(Status.UNREADABLE) == 1 and done.stdout.count("planned") == 2


def test_what_a_suite_costs_is_told_beside_a_run_that_cannot_be_read(tmp_path, plan):
    store = Store(tmp_path / "results")
    _folder_for_result(store.root / "runs" / plan.cells[0].run_id)
    record(store, plan.cells[1])
    assert len(recorded_rates(store).rates.overall) == 1


def test_a_place_that_fails_costs_the_run_that_it_had(tmp_path, plan, monkeypatch):
    from benchmark.scheduling import local

    def fail(cell, *_, **__):
        if cell == plan.cells[0]:
            raise ZeroDivisionError
        return "finished", ""

    monkeypatch.setattr(local, "train_run", fail)
    outcome = run_plan(plan, Store(tmp_path / "results"), [], ThisMachine())
    assert sorted(outcome.statuses.values()) == ["failed", "finished", "finished"]


def test_an_attempt_that_fails_in_an_unforeseen_way_is_a_row(tmp_path, plan, worker, monkeypatch):
    from benchmark.scheduling import attempt

    worker("exit 0")

    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(attempt, "_events", fail)
    store = Store(tmp_path / "results")
    run_plan(plan, store, [], ThisMachine())
    found = [store.run(cell).result() for cell in plan.cells]
    assert {(each["status"], each["reason"]) for each in found} == {("failed", "ZeroDivisionError")}


def _garbage_in_the_journal(path):
    with (path / "journal.jsonl").open("a") as journal:
        journal.write("garbage\n")


def _torn_spec(path):
    (path / "spec.json").write_text("{")


def _empty_spec(path):
    (path / "spec.json").write_text("{}")


def _torn_provenance(path):
    (path / "provenance.json").write_text("{")


def _link_to_elsewhere(path):
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"), target_is_directory=True)


TORN = [_garbage_in_the_journal, _torn_spec, _folder_for_result, _link_to_elsewhere]


@pytest.fixture
def recorded(tmp_path, plan):
    """A suite of three runs whose records lie in a results folder."""
    store = Store(tmp_path / "results")
    for cell in plan.cells:
        record(store, cell)
    made_suite(store, "tiny", list(plan.cells), [])
    return store


@pytest.mark.parametrize("torn", TORN)
def test_a_run_that_cannot_be_read_is_a_row_of_the_report(recorded, plan, torn):
    torn(recorded.root / "runs" / plan.cells[0].run_id)
    done = bench("report", "tiny", "--results", recorded.root)
    assert done.returncode == RUNS_FAILED, done.stdout + done.stderr
    assert f"Not in the report: {plan.cells[0].name}: " in done.stdout
    runs = load_all(recorded.root, "tiny").runs.set_index("run_id")
    assert list(runs.loc[[cell.run_id for cell in plan.cells], "status"]) == [
        *("unreadable", "finished", "finished")
    ]
    assert "unreadable" in (recorded.root / "tiny" / "report.md").read_text()


@pytest.mark.parametrize("torn", [*TORN, _empty_spec, _torn_provenance])
def test_a_run_that_cannot_be_read_stops_no_command_on_others(recorded, plan, torn):
    torn(recorded.root / "runs" / plan.cells[0].run_id)
    assert bench("plan", "quickstart", "--results", recorded.root).returncode == 0
    assert len(recorded_rates(recorded).rates.overall) == 1
    found, left = candidates(recorded, lambda spec: None)
    assert len(found) + sum(left.values()) >= 2


def test_a_plan_that_cannot_be_read_hides_no_run_of_another_suite(recorded, plan):
    made_suite(recorded, "older", list(plan.cells[:1]), [])
    (recorded.root / "older" / "plan.json").write_text("{}")
    with found_run(recorded, plan.cells[0].name, "") as folder:
        assert folder.run_id == plan.cells[0].run_id


def test_tests_of_other_weights_are_not_the_runs(recorded, plan):
    folder = recorded.run(plan.cells[0])
    own = folder.result()["final_weights_sha256"]
    place = folder.evaluations / "ten-crop-36"
    for weights, tested in ((own, True), ("0" * 64, False)):
        write_json(place / "result.json", {"images": 4, "weights_sha256": weights})
        assert (place.name in folder.tested()) == tested

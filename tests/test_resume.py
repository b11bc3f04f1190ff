"""Runs that are stopped in every way and go on, and runs that are trained again: the same bits.

One run is trained in one go. The same run, in another results folder, is interrupted, its process
is killed, the command is killed, its newest checkpoint is damaged, and then it is trained to its
end.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import bench, bench_alone

from benchmark.cli import app
from benchmark.counts import counted
from benchmark.records import Store
from benchmark.suite import load_suite
from benchmark.tracking.server import default_tracking_uri

SUITE = """\
name: stops
source: the tests' own
base:
  dataset: {name: cifar10-subset, train_per_class: 200}
  model:
    {stem: cifar, block: basic, stage_blocks: [1, 1], stage_widths: [4, 8], shortcut: A}
  optimizer: {batch_size: 100}
vary:
  variants:
    - {name: long, schedule.iterations: 120}
    - {name: short, schedule.iterations: 20, model.shortcut: none}
seeds: [0]
"""
ONE = SUITE.replace("    - {name: short, schedule.iterations: 20, model.shortcut: none}\n", "")
EPOCHS = 6
TIMINGS = {"time", "train_time_s", "evaluation_time_s", "images_per_s"}


class Folder:
    """A results folder, and how the long run in it stands."""

    def __init__(self, path: Path, suite: str):
        self.suite, self.results = path / "stops.yaml", path / "results"
        self.suite.write_text(suite)
        self.run = Store(self.results).run(load_suite(self.suite).plan.cells[0])

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "benchmark", "run", self.suite, "--results", self.results]
            + ["--retry", "failed"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def start_and_reach(self, epoch: int) -> subprocess.Popen[str]:
        """Start the command, and come back when the long run has ended this epoch."""
        process = self.start()
        attempts = self.attempts()
        for _ in range(6000):
            if self.attempts() > attempts and epoch in self.epochs():
                return process
            if process.poll() is not None:
                break
            time.sleep(0.05)
        process.kill()
        raise AssertionError(f"epoch {epoch} was not reached:\n{process.communicate()[0]}")

    def attempts(self) -> int:
        journal = self.run.journal
        return journal.read_text().count('"event": "start"') if journal.exists() else 0

    def epochs(self) -> list[int]:
        return [row["epoch"] for row in self.rows()]

    def rows(self) -> list[dict]:
        """Each epoch's row, but for its timings."""
        return [
            {name: value for name, value in event.items() if name not in TIMINGS}
            for event in self.run.events()
            if event["event"] == "epoch"
        ]

    def resumed(self) -> int | None:
        """The iteration after which the last attempt went on."""
        found = [event["iteration"] for event in self.run.events() if event["event"] == "resume"]
        return found[0] if found else None

    def checkpoints(self) -> list[int]:
        """The iterations of the checkpoints that there are."""
        return sorted(int(path.name.split("-")[0]) for path in self.run.checkpoints.glob("[0-9]*"))

    def child(self):
        """MLflow's run of the long run's last attempt."""
        from mlflow import MlflowClient

        client = MlflowClient(default_tracking_uri(Store(self.results)))
        experiment = client.get_experiment_by_name("stops").experiment_id
        (child,) = client.search_runs([experiment], "tags.variant = 'long'")
        history = client.get_metric_history(child.info.run_id, "train_loss")
        return child, [metric.step for metric in history]


def worker_of(process: subprocess.Popen[str]) -> int:
    found = subprocess.run(
        ["pgrep", "-P", str(process.pid), "-f", "benchmark.worker.main"],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(found.stdout)


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """Being trained in one go, beside the others to save time."""
    folder = Folder(tmp_path_factory.mktemp("whole"), SUITE)
    process = folder.start()
    yield folder, process
    process.kill()
    process.communicate()


@pytest.fixture(scope="module")
def whole(begun):
    """Trained in one go."""
    folder, process = begun
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return folder


@pytest.fixture(scope="module")
def stopped(begun, tmp_path_factory):
    """Stopped in every way, and finished: what was seen after each stop."""
    folder, seen = Folder(tmp_path_factory.mktemp("stopped"), ONE), {}

    def look(name: str, process: subprocess.Popen[str]) -> None:
        output, _ = process.communicate(timeout=300)
        seen[name] = {
            "code": process.returncode,
            "output": output,
            "status": folder.run.status(),
            "reason": (folder.run.result() or {}).get("reason"),
            "epochs": folder.epochs(),
            "resumed": folder.resumed(),
            "checkpoints": folder.checkpoints(),
        }

    process = folder.start_and_reach(1)
    process.send_signal(signal.SIGINT)
    look("interrupted", process)
    seen["interrupted"]["child"] = folder.child()

    process = folder.start_and_reach(2)
    os.kill(worker_of(process), signal.SIGKILL)
    look("worker killed", process)

    process = folder.start_and_reach(3)
    worker = worker_of(process)
    process.kill()
    for _ in range(600):
        if is_gone(worker):
            break
        time.sleep(0.05)
    gone = is_gone(worker)
    look("command killed", process)
    seen["command killed"]["gone"] = gone

    newest = sorted(folder.run.checkpoints.glob("[0-9]*"))[-1] / "arrays.safetensors"
    broken = bytearray(newest.read_bytes())
    broken[len(broken) // 2] ^= 1
    newest.write_bytes(broken)
    look("finished", folder.start())
    return folder, seen


def test_ctrl_c_keeps_a_checkpoint_of_the_very_iteration(stopped):
    _, seen = stopped
    after = seen["interrupted"]
    assert (after["code"], after["status"], after["reason"]) == (130, "interrupted", "Ctrl-C")
    assert "long/seed0: stopping after a checkpoint" in after["output"]
    assert after["checkpoints"] and after["checkpoints"][-1] >= 20
    assert seen["worker killed"]["resumed"] == after["checkpoints"][-1]
    said = f"long/seed0: continues after iteration {after['checkpoints'][-1]}"
    assert said in seen["worker killed"]["output"]


def test_a_killed_worker_is_a_failed_run_that_goes_on(stopped):
    _, seen = stopped
    after = seen["worker killed"]
    assert (after["code"], after["status"]) == (1, "failed")
    assert after["reason"] == "by SIGKILL"
    assert "failed: long/seed0 (killed: by SIGKILL), see" in after["output"]
    assert seen["command killed"]["resumed"] == after["checkpoints"][-1]


def test_a_killed_command_leaves_no_worker_and_the_run_goes_on(stopped):
    _, seen = stopped
    after = seen["command killed"]
    assert (after["code"], after["status"]) == (-signal.SIGKILL, "unfinished")
    assert after["gone"]
    assert after["epochs"][:3] == [1, 2, 3]


def test_a_flipped_bit_is_told_and_the_checkpoint_before_is_used(stopped):
    _, seen = stopped
    *_, before, newest = seen["command killed"]["checkpoints"]
    after = seen["finished"]
    assert f"long/seed0: checkpoint {newest:012}-" in after["output"]
    assert "is not whole (arrays.safetensors does not match its digest)" in after["output"]
    assert after["resumed"] == before
    assert (after["code"], after["status"]) == (0, "finished"), after["output"]


def test_after_all_that_it_has_the_bits_of_one_that_was_never_stopped(stopped, whole):
    folder, _ = stopped
    assert folder.epochs() == whole.epochs() == list(range(1, EPOCHS + 1))
    assert folder.rows() == whole.rows()
    result, wanted = folder.run.result(), whole.run.result()
    assert result["final_weights_sha256"] == wanted["final_weights_sha256"]
    assert folder.run.weights.read_bytes() == whole.run.weights.read_bytes()
    assert (result["attempt"], wanted["attempt"]) == (4, 1)
    assert (result["epochs"], result["iterations"]) == (EPOCHS, 120)
    for ended in (folder, whole):
        assert not ended.run.checkpoints.exists()


def test_mlflow_has_a_killed_child_and_then_a_finished_one(stopped):
    folder, seen = stopped
    child, steps = seen["interrupted"]["child"]
    assert child.info.status == "KILLED"
    assert steps == seen["interrupted"]["epochs"]
    child, steps = folder.child()
    assert (child.info.status, child.data.tags["attempt"]) == ("FINISHED", "4")
    assert steps == list(range(1, EPOCHS + 1))


def _first_epoch(lines):
    return next(at for at, line in enumerate(lines) if json.loads(line)["event"] == "epoch")


@pytest.fixture(scope="module")
def replayed(whole, tmp_path_factory):
    """Replays of the run, two at a time: all of it; an epoch of MLflow's; one of a changed copy."""
    changed = tmp_path_factory.mktemp("changed") / "run"
    shutil.copytree(whole.run.path, changed)
    lines = []
    for line in (changed / "journal.jsonl").read_text().splitlines():
        event = json.loads(line)
        if event["event"] == "epoch" and event["epoch"] == 2:
            event["train_loss"] += 1e-9
        lines.append(json.dumps(event) + "\n")
    (changed / "journal.jsonl").write_text("".join(lines))
    (changed / "result.json").unlink()  # It holds the curves' digest.
    begun = changed.with_name("begun")
    shutil.copytree(whole.run.path, begun)
    (begun / "result.json").unlink()
    lines = (begun / "journal.jsonl").read_text().splitlines(keepends=True)
    (begun / "journal.jsonl").write_text("".join(lines[: 1 + _first_epoch(lines)]))
    asked = {
        "begun": [begun],
        "all": [whole.run.run_id],
        "mlflow": [whole.child()[0].info.run_id, "--epochs", 1],
        "changed": [changed, "--epochs", 2],
    }
    with ThreadPoolExecutor(2) as pool:
        done = {
            name: pool.submit(bench_alone, "replay", *arguments, "--results", whole.results)
            for name, arguments in asked.items()
        }
        return {name: future.result() for name, future in done.items()}


@pytest.mark.parametrize(("name", "epochs"), [("all", EPOCHS), ("mlflow", 1), ("begun", 1)])
def test_a_run_that_is_trained_again_is_identical(replayed, name, epochs):
    done = replayed[name]
    assert done.returncode == 0, done.stdout + done.stderr
    have = counted(epochs, "epoch has", "epochs have")
    said = f"identical: {have} the same numbers and weights, bit for bit"
    assert done.stdout.splitlines()[-1] == said


def test_a_number_that_differs_is_named_with_its_epoch(replayed):
    done = replayed["changed"]
    assert done.returncode == 1, done.stdout + done.stderr
    said = done.stdout[done.stdout.index("not identical") :].splitlines()
    assert said[0] == "not identical: epoch 2 is the first that differs"
    assert said[1].startswith("  train_loss: ")
    assert said[2] == "No known condition differs."


def test_a_replay_writes_nothing_into_the_records(whole, replayed):
    assert whole.attempts() == 1
    assert not whole.run.checkpoints.exists()


def test_a_run_has_no_difference_from_itself(whole):
    done = bench("diff", whole.run.run_id, "long/seed0", "--results", whole.results)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"curves: {EPOCHS} epochs are identical, weights included\n"


def test_a_run_with_fewer_epochs_is_another(whole, tmp_path):
    shutil.copytree(whole.run.path, tmp_path / "run")
    (tmp_path / "run" / "result.json").unlink()  # It holds the curves' digest.
    journal = tmp_path / "run" / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(line for line in lines if '"epoch": 6' not in line))
    done = bench("diff", whole.run.run_id, tmp_path / "run", "--results", whole.results)
    assert done.returncode == 1, done.stderr
    said = "curves: 5 epochs are identical, weights included\nepochs: 6 and 5\n"
    assert done.stdout == said


def test_ctrl_c_ends_a_replay(whole, monkeypatch, capsys):
    from benchmark.reproduction import replay
    from benchmark.scheduling.runner import Outcome

    def interrupted(plan, *_, **__):
        run_id = plan.cells[0].run_id
        return Outcome({run_id: "interrupted"}, {run_id: "Ctrl-C"}, interrupted=True)

    monkeypatch.setattr(replay, "run_plan", interrupted)
    with pytest.raises(SystemExit) as ended:
        app(["replay", whole.run.run_id, "--results", str(whole.results)])
    assert ended.value.code == 130
    assert "identical so far: 0 epochs" in capsys.readouterr().out


def test_the_differences_between_two_variants_are_shown(whole):
    done = bench("diff", "long/seed0", "stops/short/seed0", "--results", whole.results)
    assert done.returncode == 1, done.stderr
    assert "  model.shortcut: A and none" in done.stdout
    assert "  schedule.iterations: 120 and 20" in done.stdout
    assert "curves: epoch 1 is the first that differs" in done.stdout

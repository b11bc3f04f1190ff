import json
import math
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from made_records import made_cell, made_suite, record

from benchmark.records import Store, load_curves, load_layers, load_runs, provenance
from benchmark.records.detection_images import Shown, load_shown, save_shown
from benchmark.records.files import read_json, write_json
from benchmark.records.journal import Journal, count_attempts, read_attempts
from benchmark.records.problems import DiskFullError, RecordsError
from benchmark.records.result import summarize
from benchmark.records.store import RunFolder
from benchmark.spec.recipe import RECIPE
from benchmark.suite import load_suite


def epoch(number, error, **others):
    row = {"event": "epoch", "epoch": number, "iteration": 10 * number, "train_time_s": 2.0}
    row |= {"images_per_s": 100.0, "train_error_percent": 50.0, "test_error_percent": error}
    return row | others


def test_a_torn_line_is_left_out_and_then_overwritten(tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.append({"event": "start", "attempt": 1})
    journal.append(epoch(1, 60.0))
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"event": "epo')
    assert [event["event"] for event in next(read_attempts(path))] == ["start", "epoch"]
    Journal(path).append(epoch(2, 50.0))
    assert [event.get("epoch") for event in next(read_attempts(path))] == [None, 1, 2]
    assert path.read_bytes().startswith(whole)


def test_the_last_attempt_counts_and_the_first_is_kept(tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    for attempt in (1, 2):
        assert count_attempts(path) == attempt - 1
        journal.append({"event": "start", "attempt": attempt})
        journal.append(epoch(1, 60.0 + attempt))
    assert [event.get("test_error_percent") for event in next(read_attempts(path))] == [None, 62.0]
    assert len(path.read_text().splitlines()) == 4


def journal_of(path, *attempts):
    """A journal of attempts, each given by its epochs."""
    journal = Journal(path)
    for number, epochs in enumerate(attempts, start=1):
        journal.append({"event": "start", "attempt": number})
        for each in epochs:
            journal.append(epoch(each, 10.0 * number))


def test_only_lines_of_the_last_attempt_must_be_events(tmp_path):
    path = tmp_path / "journal.jsonl"
    journal_of(path, [1, 2], [1, 2])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b"\xff\n", *lines[2:]]))
    assert [event.get("epoch") for event in next(read_attempts(path))] == [None, 1, 2]
    path.write_bytes(b"".join([*lines[:4], b"\xff\n", *lines[5:]]))
    with pytest.raises(RecordsError, match=r"journal\.jsonl:5 must be a JSON event"):
        next(read_attempts(path))


def test_an_event_is_restored_with_its_own_time(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    written = journal.append({"event": "epoch", "epoch": 1})
    journal.append({"event": "start"})
    assert journal.restore(written) == written
    assert next(read_attempts(journal.path))[-1] == written


@pytest.mark.parametrize("file", ["journal.jsonl", "result.json"])
def test_a_digit_that_was_changed_is_seen(ran, tmp_path, file):
    shutil.copytree(ran.results / "runs", tmp_path / "runs")
    folder = Store(tmp_path).run(load_runs(ran.results)["run_id"].iloc[0])
    before, path = folder.result(), folder.path / file
    digits = str(before["final_error_percent"])
    assert path.read_text().count(digits) and folder.events()
    path.write_text(path.read_text().replace(digits, f"1{digits[1:]}" if digits[0] != "1" else "2"))
    if file == "result.json":
        assert folder.status() == "unfinished"
    else:
        with pytest.raises(RecordsError, match="must hold the curves whose digest"):
            folder.events()


def test_a_new_attempt_keeps_nothing_of_the_last_one_but_its_checkpoints(tmp_path):
    folder = RunFolder(tmp_path)
    ended = (folder.weights, folder.detections, folder.shown)
    for file in (*ended, tmp_path / "result.json", tmp_path / "provenance.json"):
        file.write_text("{}")
    folder.checkpoints.mkdir()
    folder.begin()
    assert {path.name for path in tmp_path.iterdir()} == {"journal.jsonl", "checkpoints"}


def test_numbers_that_are_not_finite_are_null(tmp_path):
    path = tmp_path / "journal.jsonl"
    Journal(path).append({"event": "epoch", "loss": math.nan, "norms": {"a": math.inf, "b": 1.5}})
    event = next(read_attempts(path))[0]
    assert event["loss"] is None
    assert event["norms"] == {"a": None, "b": 1.5}


def test_files_are_replaced_whole(tmp_path):
    path = tmp_path / "data.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert read_json(path) == {"a": 1}
    assert read_json(tmp_path / "none.json") is None


@pytest.mark.parametrize(
    ("differs", "mixed"),
    [
        ([], False),
        (["git_commit: a and b", "versions.resnet-bench: 0.1 and 0.2"], False),
        (["git_commit: a and b", "versions.tensorflow: 2.20 and 2.21"], True),
        (["processor: AMD and Intel"], True),
    ],
)
def test_another_commit_of_the_same_recipe_is_no_other_environment(differs, mixed):
    """Code that trains otherwise has another recipe, and its runs have other ids."""
    resume = {"event": "resume", "epoch": 1, "iteration": 10, "wall_time_s": 1.0}
    events = [
        {"event": "start", "attempt": 1, "time": 0.0},
        resume | {"differs": []},
        resume | {"differs": differs},
        {"event": "end", "final_weights_sha256": "w", "time": 1.0},
    ]
    assert summarize(events, "finished")["environments_mixed"] is mixed


def test_a_result_sums_up_its_journal():
    events = [
        {"event": "start", "attempt": 2, "time": 100.0, "dataset_sha256": "d", "split": "test"},
        {"event": "built", "parameters": 7, "multiply_adds": 8, "device": "CPU"},
        epoch(1, 60.0),
        epoch(2, 40.0, images_per_s=300.0),
        epoch(3, None),
        epoch(4, 45.0),
        {"event": "end", "final_weights_sha256": "w", "time": 130.0},
    ]
    result = summarize(events, "finished")
    assert result["final_error_percent"] == 45.0
    assert (result["best_error_percent"], result["best_epoch"]) == (40.0, 2)
    assert result["images_per_s"] == pytest.approx(150.0)  # Images over time, not rates' mean.
    assert result["wall_time_s"] == 30.0
    assert (result["epochs"], result["iterations"], result["attempt"]) == (4, 40, 2)
    assert result["skipped_steps"] is None
    skipping = [epoch(1, 60.0, skipped_steps=3), epoch(2, 50.0, skipped_steps=0), epoch(3, 40.0)]
    assert summarize(skipping, "failed")["skipped_steps"] == 3


def test_the_mean_response_is_that_of_the_last_diagnosis():
    def layers(*stds):
        return {"response_stds": dict(zip("abc", stds, strict=False))}

    rows = [epoch(1, 60.0, layers={"0": layers(9.0, 9.0), "3": layers(8.0, 9.0)}), epoch(2, 50.0)]
    assert summarize(rows, "finished")["mean_response_std"] == 8.5
    rows += [epoch(3, 50.0, layers={"30": layers(1.0, 2.0)})]
    assert summarize(rows, "finished")["mean_response_std"] == 1.5
    rows += [epoch(4, 50.0, layers={"40": layers(1.0, None)})]  # Not finite.
    assert summarize(rows, "diverged")["mean_response_std"] is None


def test_a_run_that_never_began_is_a_row_too():
    result = summarize([], "failed", "no memory")
    assert (result["status"], result["reason"], result["epochs"]) == ("failed", "no memory", 0)
    assert result["final_error_percent"] is None


def test_layers_are_numbered_in_the_nets_order_even_if_sorted_by_name(tmp_path):
    store, cell = Store(tmp_path), made_cell()
    folder = record(store, cell)
    made_suite(store, "one", [cell])
    (folder.path / "result.json").unlink()
    norms = dict.fromkeys(["stem_conv", "block2", "projection", "block10", "classifier"], 1.0)
    stds = dict.fromkeys(["block10", "block2", "stem_conv"], 1.0)
    found = {"response_stds": stds, "gradient_norms": dict(sorted(norms.items()))}
    Journal(folder.journal).append(epoch(5, 60.0, layers={"7": found}, gradient_norms=norms))
    layers = load_layers(tmp_path, "one")
    numbers = layers[layers["iteration"] == 7].set_index("layer")["number"].dropna()
    assert numbers.to_dict() == {"stem_conv": 1, "block2": 2, "block10": 3}


def test_frames_are_tidy(ran):
    runs, curves = load_runs(ran.results), load_curves(ran.results, "tiny")
    assert list(runs["variant"]) == ["resnet6", "plain6", "diverges"]
    assert list(runs["status"]) == ["finished", "finished", "diverged"]
    assert runs["run_id"].is_unique
    assert list(runs["model.shortcut"]) == ["A", "none", "none"]
    assert runs["parameters"].iloc[0] == runs["parameters"].iloc[1]
    keys = ["suite", "variant", "seed", "epoch"]
    assert not curves.duplicated(keys).any()
    assert list(curves[curves["variant"] == "resnet6"]["epoch"]) == [1, 2]
    last = curves[curves["variant"] == "plain6"].iloc[-1]
    assert last["test_error_percent"] == runs["final_error_percent"].iloc[1]
    assert last["gradient_norm.stem_conv"] > 0
    assert {"learning_rate", "train_loss", "images_per_s", "gradient_norm"} <= set(curves)


@pytest.fixture
def planned(ran, tmp_path):
    """The tiny suite, of which no run has begun."""
    store = Store(tmp_path / "planned")
    store.suite("tiny").save_plan(load_suite(ran.suite))
    return store


@pytest.mark.parametrize("suites", ["planned", "none"])
def test_frames_have_their_columns_before_anything_was_measured(planned, tmp_path, suites):
    results = planned.root if suites == "planned" else tmp_path
    runs, curves = load_runs(results), load_curves(results)
    assert len(runs) == (3 if suites == "planned" else 0)
    assert {"suite", "variant", "seed", "run_id", *summarize([], "")} <= set(runs)
    mean = runs.groupby(["suite", "variant"])["final_error_percent"].agg(["count", "mean", "std"])
    assert mean["count"].sum() == 0
    assert {"suite", "variant", "seed", "run_id", "epoch", "iteration", "learning_rate"} <= set(
        curves
    )
    assert {"train_loss", "train_error_percent", "test_error_percent", "images_per_s"} <= set(
        curves
    )
    assert len(curves.pivot(index="epoch", columns="variant", values="train_error_percent")) == 0


def test_runs_that_never_began_have_their_specs(planned, ran):
    runs = load_runs(planned.root)
    assert list(runs["status"]) == ["planned"] * 3
    assert list(runs["model.shortcut"]) == ["A", "none", "none"]
    for cell, wanted in zip(
        planned.suite("tiny").plan()["cells"], load_suite(ran.suite).plan.cells, strict=True
    ):
        assert cell["spec"] == wanted.spec.model_dump(mode="json")


@pytest.mark.parametrize("torn", ['{"status": "fini', "{}", "[1]"])
def test_a_torn_result_makes_its_run_unfinished_with_a_warning(ran, tmp_path, caplog, torn):
    shutil.copytree(ran.results, tmp_path / "results")
    folder = Store(tmp_path / "results").run(load_runs(ran.results)["run_id"].iloc[0])
    (folder.path / "result.json").write_text(torn)
    assert folder.status() == "unfinished"
    assert load_runs(tmp_path / "results")["status"].iloc[0] == "unfinished"
    assert f"{folder.path / 'result.json'} must" in caplog.text


def plan_with(**cell):
    return json.dumps({"suite": "tiny", "source": "", "claims": [], "cells": [cell]})


@pytest.mark.parametrize(
    "torn", ['{"cells": [', "{}", "[]", plan_with(variant="a", seed=0, run_id="0")]
)
def test_a_torn_plan_or_one_without_specs_is_told(tmp_path, torn):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "plan.json").write_text(torn)
    with pytest.raises(RecordsError, match=r"plan\.json must"):
        Store(tmp_path).suite("tiny").plan()


def test_a_line_of_the_journal_that_is_no_event_is_told(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_text('{"event": "start"}\nnonsense\n')
    with pytest.raises(RecordsError, match=r"journal\.jsonl:2 must be a JSON event.*nonsense"):
        next(read_attempts(path))


@pytest.mark.parametrize("name", ["runs", "curves"])
def test_csv_and_parquet_hold_the_same_rows(ran, name):
    folder = Store(ran.results).suite("tiny").path
    table, again = (
        pd.read_csv(folder / f"{name}.csv"),
        pd.read_parquet(folder / f"{name}.parquet"),
    )
    assert list(table.columns) == list(again.columns)
    assert len(table) == len(again) > 0
    assert list(table["run_id"]) == list(again["run_id"])
    column = {"runs": "final_error_percent", "curves": "train_loss"}[name]
    pd.testing.assert_series_equal(table[column], again[column], check_dtype=False)


def test_provenance_names_no_host_folder_or_person(ran):
    import getpass
    import socket

    for path in ran.results.glob("runs/*/provenance.json"):
        made = json.loads(path.read_text())
        text = path.read_text()
        assert socket.gethostname() not in text
        assert str(ran.results) not in text
        assert f'"{getpass.getuser()}"' not in text
        assert made["processor"] and made["cores"] >= 1
        assert made["recipe"] == {"training": RECIPE["training"]}


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_new_files_of_the_code_are_changes_and_results_are_none(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "PROJECT", tmp_path)
    made = provenance.provenance()
    assert (made["git_commit"], made["git_dirty"]) == (None, None)  # Not in a checkout.

    def git(*command):
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", tmp_path, *who, *command], check=True, capture_output=True)

    (tmp_path / "benchmark").mkdir()
    (tmp_path / "benchmark" / "old.py").write_text("")
    git("init")
    git("add", ".")
    git("commit", "-m", "first")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "report.md").write_text("")
    assert provenance.provenance()["git_dirty"] is False
    (tmp_path / "benchmark" / "new.py").write_text("")
    assert provenance.provenance()["git_dirty"] is True


@pytest.mark.parametrize("name", ["", "..", "../tiny", "/etc", "a/b", "a\0b", "n" * 300, "runs"])
def test_names_lead_nowhere_else(tmp_path, name):
    store = Store(tmp_path)
    with pytest.raises(RecordsError, match="must be 16 hexadecimal digits"):
        store.run(name)
    if name != "runs":
        with pytest.raises(RecordsError, match="name must be as in its file"):
            store.suite(name)


def test_links_lead_nowhere_else(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    results = tmp_path / "results"
    (results / "runs").mkdir(parents=True)
    for place in (results / "tiny", results / "runs" / ("0" * 16)):
        place.symlink_to(tmp_path / "elsewhere")
    for find in (lambda: Store(results).suite("tiny"), lambda: Store(results).run("0" * 16)):
        with pytest.raises(RecordsError, match="not a link to another"):
            find()


@pytest.mark.parametrize("failing", ["write", "replace"])
def test_a_full_disk_is_told_and_leaves_the_file_as_it_was(tmp_path, monkeypatch, failing):
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})

    def full(*_):
        raise OSError(28, "No space left on device")

    if failing == "write":
        monkeypatch.setattr("os.fsync", full)
    else:
        monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(DiskFullError, match=r"No space left on device: .*a\.json"):
        write_json(path, {"a": 2})
    monkeypatch.undo()
    assert read_json(path) == {"a": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_a_detectors_result_has_its_last_average_precisions():
    def row(number, ap, **others):
        own = {"test_ap_percent": ap, "test_ap50_percent": 2 * ap, "test_ap_small_percent": None}
        return {"event": "epoch", "epoch": number, "iteration": number, **own, **others}

    result = summarize([row(1, 20.0), row(2, 10.0, test_map_percent=30.0)], "finished")
    assert (result["final_ap_percent"], result["final_ap50_percent"]) == (10.0, 20.0)
    assert (result["final_ap_small_percent"], result["final_map_percent"]) == (None, 30.0)
    assert result["final_error_percent"] is result["best_epoch"] is None
    assert summarize([epoch(1, 60.0)], "finished")["final_ap_percent"] is None


@pytest.fixture
def shown():
    rng = np.random.default_rng(0)
    return Shown(
        images=[
            rng.integers(0, 256, (5, 4, 3), np.uint8),
            rng.integers(0, 256, (2, 6, 3), np.uint8),
        ],
        ids=[7, 2**40],
        boxes=[np.array([[0, 1, 2.5, 3]], np.float32), np.zeros((0, 4), np.float32)],
        labels=[np.array([1], np.int32), np.zeros(0, np.int32)],
        crowds=[np.array([True]), np.zeros(0, bool)],
        classes=["cat", "Hündchen"],
    )


def test_shown_images_are_read_as_they_were(shown, tmp_path):
    folder = RunFolder(tmp_path / "run")
    assert load_shown(folder) is None
    save_shown(folder, shown)
    again = load_shown(folder)
    assert (again.ids, again.classes) == (shown.ids, shown.classes)
    for name in ("images", "boxes", "labels", "crowds"):
        for one, other in zip(getattr(again, name), getattr(shown, name), strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
    first = folder.shown.read_bytes()
    save_shown(folder, again)
    assert folder.shown.read_bytes() == first


@pytest.mark.parametrize("keep", [0, 10, -30])
def test_shown_images_that_are_torn_are_told(shown, tmp_path, keep):
    folder = RunFolder(tmp_path)
    save_shown(folder, shown)
    folder.shown.write_bytes(folder.shown.read_bytes()[:keep])
    with pytest.raises(RecordsError, match=r"shown\.npz must be images with their truth"):
        load_shown(folder)


def test_images_are_shown_without_tensorflow():
    code = (
        "import sys, benchmark.records.detection_images\n"
        "sys.exit(not {'tensorflow', 'keras', 'pandas'}.isdisjoint(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

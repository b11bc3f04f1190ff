"""A second suite file of the same name, and one results folder."""

import shutil

import pytest
from conftest import TINY_SUITE, bench
from made_records import record

from benchmark.records import load_runs
from benchmark.records.namesake import require_no_namesake
from benchmark.records.problems import RecordsError
from benchmark.records.store import Store
from benchmark.suite import load_suite

OTHER = TINY_SUITE.replace("iterations: 20", "iterations: 30")
ADDED = TINY_SUITE.replace("seeds: [0]", "seeds: [0, 1]")
FEWER = TINY_SUITE.replace("    - {name: plain6, model.shortcut: none}\n", "").replace(
    TINY_SUITE[TINY_SUITE.index("claims:") :], ""
)


@pytest.fixture
def recorded(tmp_path):
    """The records of the tiny suite, and how to look at a file beside it."""
    store, first = Store(tmp_path / "results"), tmp_path / "first.yaml"
    first.write_text(TINY_SUITE)
    loaded = load_suite(first)
    for cell in loaded.plan.runs().values():
        record(store, cell)
    store.suite("tiny").save_plan(loaded)

    def look(text, name="second.yaml"):
        (tmp_path / name).write_text(text)
        require_no_namesake(store, load_suite(tmp_path / name))

    return store, first, look


@pytest.mark.parametrize("text", [OTHER, FEWER], ids=["other runs", "fewer runs"])
def test_a_file_that_would_hide_anothers_runs_is_refused(recorded, tmp_path, text):
    store, first, look = recorded
    with pytest.raises(RecordsError) as refused:
        look(text)
    assert str(first) in str(refused.value) and str(tmp_path / "second.yaml") in str(refused.value)
    for command in ("run", "report", "sync"):
        done = bench(command, tmp_path / "second.yaml", "--results", store.root)
        assert done.returncode == 2, done.stdout + done.stderr
        assert str(first) in done.stderr and "second.yaml" in done.stderr
    assert len(load_runs(store.root)) == 3


def test_the_same_file_may_be_changed_and_a_copy_may_add_runs(recorded):
    _, first, look = recorded
    look(OTHER, first.name)
    look(ADDED)
    look(TINY_SUITE)


def test_a_file_that_was_moved_is_the_same_suite(recorded):
    _, first, look = recorded
    first.unlink()
    look(FEWER)
    with pytest.raises(RecordsError):
        look(OTHER)


def test_a_suite_without_records_is_in_nobodys_way(recorded):
    store, _, look = recorded
    shutil.rmtree(store.root / "runs")
    look(OTHER)

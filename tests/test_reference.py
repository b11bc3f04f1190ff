"""A run beside the reference run of its id."""

import json

import pytest
from made_records import a_result, made_cell, record

from benchmark.records import reference
from benchmark.records.files import write_json
from benchmark.records.reference import (
    DIFFERENT,
    EQUAL,
    IDENTICAL,
    VARIABLE,
    compared_with,
    outcome_of,
    reference_for,
)
from benchmark.records.store import Store


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({}, IDENTICAL),
        ({"train_time_s": 7.0, "mean_response_std": 1.0, "best_error_percent": 3.0}, IDENTICAL),
        ({"final_weights_sha256": "b" * 64}, EQUAL),
        ({"initial_weights_sha256": "b" * 64}, EQUAL),
        ({"final_error_percent": 9.01}, DIFFERENT),
        ({"final_train_error_percent": 0.2}, DIFFERENT),
        ({"status": "diverged"}, DIFFERENT),
        ({"epochs": 163}, DIFFERENT),
    ],
)
def test_what_counts_as_the_same(changed, outcome):
    assert outcome_of(a_result() | changed, a_result()) == outcome


def test_runs_without_digests_are_not_called_identical():
    one = a_result() | {"final_weights_sha256": None}
    assert outcome_of(one, one) == EQUAL


@pytest.fixture
def stores(tmp_path):
    """A reference of three seeds, and a user's results."""
    theirs, ours = Store(tmp_path / "reference"), Store(tmp_path / "results")
    for seed, error in enumerate((8.0, 9.0, 10.0)):
        record(theirs, made_cell(seed=seed), final_error_percent=error)
    return theirs, ours


def test_a_difference_is_told_against_the_spread_of_the_seeds(stores):
    theirs, ours = stores
    record(theirs, made_cell(depth=32), final_error_percent=99.0)  # Of another net.
    found = compared_with(theirs, record(ours, made_cell(seed=1), final_error_percent=9.5))
    assert (found.outcome, found.by, found.sd, found.seeds) == (DIFFERENT, 0.5, 1.0, 3)
    assert "+0.50" in str(found)
    assert found.same_processor


def test_another_processor_or_device_is_told(stores):
    theirs, ours = stores
    folder = record(ours, made_cell(seed=0), final_error_percent=8.5)
    write_json(folder.path / "provenance.json", folder.provenance() | {"processor": "another"})
    assert not compared_with(theirs, folder).same_processor
    folder = record(ours, made_cell(seed=1), final_error_percent=8.5, device="a GPU")
    assert not compared_with(theirs, folder).same_processor


def test_runs_that_have_no_reference_or_have_not_ended_are_not_compared(stores):
    theirs, ours = stores
    assert compared_with(theirs, record(ours, made_cell(seed=7))) is None
    assert compared_with(theirs, record(ours, made_cell(seed=0), status="failed")) is None
    assert compared_with(theirs, ours.run(made_cell(seed=1).run_id)) is None
    assert compared_with(None, record(ours, made_cell(seed=2))) is None


def test_a_run_that_diverged_has_no_difference_in_points(stores):
    theirs, ours = stores
    lost = {"status": "diverged", "final_error_percent": None}
    found = compared_with(theirs, record(ours, made_cell(seed=0), **lost))
    assert (found.outcome, found.by) == (DIFFERENT, None)


def test_the_reference_is_not_compared_with_itself(stores, monkeypatch, tmp_path):
    theirs, ours = stores
    monkeypatch.setenv(VARIABLE, str(theirs.root))
    assert reference_for(ours).root == theirs.root
    assert reference_for(Store(theirs.root / ".." / "reference")) is None
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none"))
    assert reference_for(ours) is None


def test_by_default_it_is_what_comes_with_the_package(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    place = reference.reference_folder()
    assert place.is_dir() and place.name == "reference"
    assert place.parent.name in ("results", "benchmark")  # Of the clone, or of the wheel.


def test_the_table_of_runs_has_a_column_where_something_was_compared(stores):
    import pandas as pd

    from benchmark.report.tables import runs_table

    theirs, ours = stores
    folder = record(ours, made_cell(seed=0), final_error_percent=8.0)
    rows = [
        {
            "variant": "v",
            "seed": 0,
            "run_id": run,
            "final_weights_sha256": "a",
            "status": "finished",
        }
        for run in (folder.run_id, "f" * 16)
    ]
    compared = {folder.run_id: compared_with(theirs, folder)}
    column = runs_table(pd.DataFrame(rows), compared)["beside the reference"]
    assert list(column.fillna("")) == [IDENTICAL, ""]
    assert "beside the reference" not in runs_table(pd.DataFrame(rows), {})


def test_made_records_are_whole(stores):
    folder = stores[0].run(made_cell(seed=0).run_id)
    assert folder.status() == "finished" and folder.events()
    assert json.loads((folder.path / "spec.json").read_text()) == folder.spec()

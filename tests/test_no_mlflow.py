"""Training needs no MLflow: where it is missing or switched off the records say so."""

import sys

import pytest
from conftest import TINY_SUITE, bench_alone

from benchmark.records.store import Store
from benchmark.tracking.server import default_tracking_uri
from benchmark.tracking.unmirrored import MISSING, OFF, note, noted, why_unmirrored


def test_why_there_is_no_mirror(monkeypatch):
    assert why_unmirrored(off=True) == OFF
    assert why_unmirrored(off=False) is None
    for name in ("mlflow", "sqlalchemy"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, name, None)
            assert why_unmirrored(off=False) == MISSING


def test_the_database_has_a_name_without_what_reads_it(tmp_path, monkeypatch):
    usual = default_tracking_uri(Store(tmp_path))
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    assert default_tracking_uri(Store(tmp_path)) == usual


def test_it_is_said_until_it_is_no_longer_so(tmp_path):
    for why in (OFF, MISSING, None):
        note(tmp_path, why)
        assert noted(tmp_path) == why


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    """A folder in which MLflow and SQLAlchemy cannot be imported."""
    folder = tmp_path_factory.mktemp("without")
    for name in ("mlflow", "sqlalchemy"):
        (folder / f"{name}.py").write_text("raise ModuleNotFoundError(__name__)")
    (folder / "sitecustomize.py").write_text(
        "import sys\nsys.modules.update(mlflow=None, sqlalchemy=None)\n"
    )
    return folder


def test_a_run_is_trained_and_replayed_without_and_mirrored_later(tmp_path, without, monkeypatch):
    suite = tmp_path / "tiny.yaml"
    text = TINY_SUITE.replace("iterations: 20", "iterations: 4")
    suite.write_text(text[: text.index("    - {name: plain6")] + "seeds: [0]\n")
    results = tmp_path / "results"
    path = {"PYTHONPATH": f"{without}:{':'.join(filter(None, sys.path))}"}
    done = bench_alone("run", suite, "--results", results, **path)
    assert done.returncode == 0, done.stdout + done.stderr
    store = Store(results)
    (cell,) = store.suite("tiny").plan()["cells"]
    assert store.run(cell["run_id"]).status() == "finished"
    assert noted(store.suite("tiny").path) == MISSING
    assert not (results / "mlflow.db").exists()
    again = bench_alone("replay", cell["run_id"], "--results", results, **path)
    assert again.returncode == 0, again.stdout + again.stderr
    off = bench_alone("run", suite, "--results", results, "--no-mlflow")
    assert off.returncode == 0, off.stdout + off.stderr
    assert noted(store.suite("tiny").path) == OFF
    assert not (results / "mlflow.db").exists()
    assert bench_alone("sync", "tiny", "--results", results).returncode == 0
    assert noted(store.suite("tiny").path) is None
    assert (results / "mlflow.db").exists()

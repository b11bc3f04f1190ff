"""MLflow's database, killed while it is made, damaged, or of another version."""

import sqlite3
import subprocess
import sys
import time

import pytest
from conftest import bench_alone

from benchmark.records.store import Store
from benchmark.tracking import database
from benchmark.tracking.server import client_of, default_tracking_uri

MAKE = """\
import sys
from benchmark.tracking.server import creating
with creating(sys.argv[1]):
    print("made", flush=True)
"""


def experiments(uri: str) -> int:
    return len(client_of(uri).search_experiments())


def test_a_database_that_is_killed_while_it_is_made_is_made_the_next_time(tmp_path):
    """At several moments of its creation: each time there is none, or a whole one."""
    file, uri = tmp_path / "mlflow.db", default_tracking_uri(Store(tmp_path))
    aside, killed = tmp_path / ".mlflow.db.aside", 0
    for size in (1, 100_000, 300_000):
        worker = subprocess.Popen(
            [sys.executable, "-c", MAKE, uri], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        while worker.poll() is None and not (aside.exists() and aside.stat().st_size >= size):
            time.sleep(0.001)
        worker.kill()
        worker.wait()
        killed += not file.exists()
        if file.exists():
            break
    assert killed
    done = subprocess.run([sys.executable, "-c", MAKE, uri], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert experiments(uri) == 1 and not aside.exists()


def test_tables_of_another_version_are_upgraded_in_a_copy(tmp_path):
    file, seen = tmp_path / "mlflow.db", []

    def upgrade(path):
        seen.append((path.name, path.read_bytes()))
        raise KeyboardInterrupt

    with database.held(file):
        database.make(file, lambda path: path.write_bytes(b"tables"))
        database.make(file, upgrade)
    assert not seen  # Of the version that is installed, nothing is to be done.
    (tmp_path / "mlflow.db.lock").write_text("1.0")
    with database.held(file), pytest.raises(KeyboardInterrupt):
        database.make(file, upgrade)
    assert seen == [(".mlflow.db.aside", b"tables")]
    assert file.read_bytes() == b"tables"


@pytest.fixture
def half_migrated(ran, tmp_path):
    """A copy of the records of a suite that ran, and a database with one of MLflow's tables."""
    import shutil

    results = tmp_path / "results"
    shutil.copytree(ran.results, results)
    (results / "mlflow.db").unlink()
    (results / "mlflow.db.lock").unlink(missing_ok=True)
    with sqlite3.connect(results / "mlflow.db") as made:
        made.execute("create table experiments (experiment_id integer)")
    return results


def test_a_database_that_cannot_be_used_is_told_with_what_mends_it(half_migrated, ran):
    done = bench_alone("sync", "tiny", "--results", half_migrated)
    assert done.returncode == 2
    assert "sync SUITE --rebuild" in " ".join(done.stderr.split())
    kept = (half_migrated / "mlflow.db").read_bytes()
    done = bench_alone("sync", "tiny", "--results", half_migrated, "--rebuild")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (half_migrated / "mlflow.db.unusable-1").read_bytes() == kept
    assert experiments(default_tracking_uri(Store(half_migrated))) == 2

"""Runs are held where the file system has no flock, and by whom is told."""

import errno
import fcntl
import os
import platform
import subprocess
import sys
import time

import pytest
from test_execution import is_held_while_a_worker_lives

from benchmark.records import locks
from benchmark.records.problems import RecordsError
from benchmark.records.store import Store
from benchmark.tracking import database
from benchmark.worker import gpu_lease
from benchmark.worker.lease import (
    CLOCKS_APART_S,
    EXPIRES_S,
    holder,
    lease,
    who_holds,
)

OTHER = "0123456789abcdef 00000000-0000-0000-0000-000000000000 node17"
CODES = ["ENOSYS", "EOPNOTSUPP", "ENOLCK", "EINVAL"]

HOLDS = """\
import errno, fcntl, os, sys, time
from pathlib import Path
def without(*_):
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
if sys.argv[2] == "without":
    fcntl.flock = without
from benchmark.worker.lease import lease
from benchmark.records.store import RunFolder
with lease(RunFolder(Path(sys.argv[1]))) as lock:
    print("held" if lock else "busy", flush=True)
    time.sleep(60)
"""


@pytest.fixture(params=CODES)
def no_flock(request, monkeypatch):
    def fail(*_):
        code = getattr(errno, request.param)
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", fail)


@pytest.fixture
def folder(tmp_path):
    return Store(tmp_path / "results").run("0" * 16)


def holding(folder, how):
    """Another process of this machine that holds the run, and what it said."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, folder.path, how], stdout=subprocess.PIPE, text=True
    )
    return process, process.stdout.readline().strip()


def test_a_run_is_held_without_flock(folder, no_flock):
    with lease(folder) as first:
        assert first is not None and first.is_held()
        with lease(folder) as second:
            assert second is None
        assert platform.node() in who_holds(folder)
    with lease(folder) as again:
        assert again is not None


def test_a_worker_that_lives_on_holds_its_run_without_flock(folder, no_flock):
    is_held_while_a_worker_lives(folder)


def test_a_killed_process_frees_its_run_at_once_without_flock(folder, no_flock):
    folder.path.mkdir(parents=True)
    process, said = holding(folder, "without")
    assert said == "held"
    with lease(folder) as lock:
        assert lock is None
    process.kill()
    process.wait()
    with lease(folder) as lock:
        assert lock is not None


def test_who_locks_by_flock_and_who_cannot_keep_away_from_each_other(folder):
    """As after a flock that failed for a moment, or by another mount."""
    folder.path.mkdir(parents=True)
    process, said = holding(folder, "without")
    try:
        assert said == "held"
        with lease(folder) as lock:
            assert lock is None
    finally:
        process.kill()
        process.wait()
    with lease(folder) as lock:  # Nobody can know that it has ended, before the lease expires.
        assert lock is None
    newest = max(folder.path.glob("lease.*"))
    os.utime(newest, (time.time() - EXPIRES_S - 60,) * 2)
    with lease(folder) as lock:
        assert lock is not None
        process, said = holding(folder, "without")
        process.kill()
        process.wait()
        assert said == "busy"


def test_another_failure_of_flock_is_none_of_these(folder, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(OSError, match="Input/output"), lease(folder):
        pass


def test_databases_and_gpus_are_held_without_flock(tmp_path, no_flock, monkeypatch):
    with database.held(tmp_path / "mlflow.db"):
        pass
    assert not locks.has_flock(tmp_path)
    monkeypatch.setenv(gpu_lease.FOLDER, str(tmp_path / "gpus"))
    with pytest.raises(OSError, match=gpu_lease.FOLDER):
        gpu_lease._folder()


def test_gpus_are_locked_where_flock_works(tmp_path, monkeypatch):
    monkeypatch.setenv(gpu_lease.FOLDER, str(tmp_path / "gpus"))
    monkeypatch.setattr(gpu_lease, "has_flock", lambda folder: True)
    assert gpu_lease._folder() == tmp_path / "gpus"
    elsewhere = tmp_path / "memory"
    monkeypatch.setattr(gpu_lease, "_IN_MEMORY", elsewhere)
    monkeypatch.setattr(gpu_lease, "has_flock", lambda folder: folder == elsewhere)
    assert gpu_lease._folder() == elsewhere


@pytest.mark.parametrize(
    ("age", "held"),
    [
        (-CLOCKS_APART_S / 2, True),
        (0, True),
        (EXPIRES_S - 60, True),
        (EXPIRES_S + 60, False),
        (-CLOCKS_APART_S - 60, False),
        (-365 * 86400, False),
    ],
)
def test_a_lease_that_is_old_or_dated_ahead_is_stale(folder, age, held):
    folder.path.mkdir(parents=True)
    file = folder.path / "lease.1"
    file.write_text(OTHER)
    os.utime(file, (time.time() - age,) * 2)
    with lease(folder) as lock:
        assert (lock is None) == held


def test_busy_names_the_machine_and_when_it_was_last_heard_of(folder):
    folder.path.mkdir(parents=True)
    file = folder.path / "lease.1"
    for text, name in ((OTHER, "node17"), (OTHER.rsplit(" ", 1)[0], "another machine")):
        file.write_text(text)
        os.utime(file, (1_700_000_000,) * 2)
        assert name in who_holds(folder) and "2023-11-14 22:13:20" in who_holds(folder)
    file.write_text(holder())
    assert platform.node() in who_holds(folder)
    file.unlink()
    assert who_holds(folder)


def test_runs_may_be_a_link_to_a_folder_of_ones_own(tmp_path):
    results, scratch = tmp_path / "results", tmp_path / "scratch"
    results.mkdir()
    (results / "runs").symlink_to(scratch)
    with pytest.raises(RecordsError):  # It leads nowhere: the disk is not there.
        Store(results).run("0" * 16)
    scratch.mkdir()
    with lease(Store(results).run("0" * 16)) as lock:
        assert lock is not None
    assert [path.name for path in scratch.iterdir()] == ["0" * 16]
    assert [folder.run_id for folder in Store(results).runs()] == ["0" * 16]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to give files away")
@pytest.mark.parametrize("others", ["link", "folder"])
def test_runs_may_be_no_link_of_anothers(tmp_path, others):
    results, scratch = tmp_path / "results", tmp_path / "scratch"
    results.mkdir()
    scratch.mkdir()
    (results / "runs").symlink_to(scratch)
    os.chown(scratch if others == "folder" else results / "runs", 1, 1, follow_symlinks=False)
    with pytest.raises(RecordsError):
        Store(results).run("0" * 16)


def test_a_claims_test_holds_its_run_as_a_worker_does(folder, tmp_path):
    """It renews the lease, and ends where another machine has taken the run."""
    folder.path.mkdir(parents=True)
    app = tmp_path / "app.py"
    app.write_text(
        "import sys, time\n"
        "from benchmark.commands import claim_test\n"
        "from benchmark.worker import lease\n"
        "lease.RENEW_S = 0.05\n"
        "def evaluate(runs: list[str], protocol: str = ''):\n"
        "    print('evaluate', *runs, protocol, flush=True); time.sleep(60)\n"
        "claim_test.evaluate = evaluate\n"
        "claim_test.main(*sys.argv[1:])\n"
    )
    with lease(folder):
        file = folder.path / "lease.1"
        os.utime(file, (0, 0))
        process = subprocess.Popen(
            [sys.executable, app, folder.path, "ten-crop"], stdout=subprocess.PIPE, text=True
        )
        while file.stat().st_mtime < 1 and process.poll() is None:
            time.sleep(0.05)
        assert process.stdout
        said = process.stdout.readline()
        assert said.split()[0] == "evaluate" and "ten-crop" in said
        file.write_text(OTHER)
        assert process.wait(timeout=60) == 1
        process.stdout.close()


def test_a_claims_test_is_started_with_the_lock(folder, tmp_path, monkeypatch):
    from benchmark.running import testing

    script = tmp_path / "python"
    script.write_text('#!/bin/sh\necho "$@" > "$0.words"; ls -l /proc/self/fd > "$0.fd"; exit 7\n')
    script.chmod(0o755)
    with lease(folder) as lock:
        monkeypatch.setattr(sys, "executable", str(script))
        assert testing._tested(folder, "ten-crop", lock, quiet=False) == 7
    assert str(folder.path / "lock") in (tmp_path / "python.fd").read_text()
    assert "benchmark.commands.claim_test" in (tmp_path / "python.words").read_text()

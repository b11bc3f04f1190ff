"""Test finished runs as a suite's claims require."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable

from benchmark.data.images import DataError
from benchmark.records.store import RunFolder, Store
from benchmark.scheduling.pending_tests import untested
from benchmark.status import Status
from benchmark.suite import LoadedSuite
from benchmark.worker.evaluate import score_ensembles
from benchmark.worker.lease import Lease, lease, who_holds
from benchmark.worker.main import PARENT

_LOG = logging.getLogger("resnet_bench.tests")

_INTERRUPTED = 130
"""Exit code of a command ended by Ctrl-C."""


def tested_as_claimed(loaded: LoadedSuite, store: Store, say: Callable[[str], None] | None) -> bool:
    """Test each finished run of a suite by the protocols that claims about its variants name, in
    its own process, unless already done; then test their ensembles. Return whether all could be
    tested. Runs being tested by another process are skipped. ``say``: called with progress lines;
    None: silent."""
    done = True
    for cell, protocol in untested(loaded, store):
        folder = store.run(cell)
        if store.status(cell) != Status.FINISHED:
            continue
        with lease(folder) as lock:
            if lock is None:
                _tell_problem(f"{cell.name}, {protocol}: {who_holds(folder)} is testing it", say)
                done = False
            elif protocol not in folder.tested():
                if say:
                    say(f"{cell.name}, {protocol}:")
                code = _tested(folder, protocol, lock, quiet=say is None)
                if code == _INTERRUPTED:
                    raise KeyboardInterrupt
                done = done and code == 0
    try:
        score_ensembles(store, loaded.suite.name, loaded.suite.claims)
    except DataError as error:
        _tell_problem(str(error), say)
        return False
    return done


def _tell_problem(problem: str, say: Callable[[str], None] | None) -> None:
    """Report a problem, or log it if ``say`` is None."""
    if say:
        say(problem)
    else:
        _LOG.warning(problem)


def _tested(folder: RunFolder, protocol: str, lock: Lease, *, quiet: bool) -> int:
    """Test a run that this process holds. Return the exit code of ``evaluate``."""
    command = [sys.executable, "-P", "-m", "benchmark.commands.claim_test"]
    command += [str(folder.path), protocol]
    own = os.environ | {PARENT: str(os.getpid())}
    own.pop("MLFLOW_TRACKING_URI", None)  # Not used, and not valid in every case.
    out = subprocess.DEVNULL if quiet else None
    done = subprocess.run(
        command, check=False, env=own, pass_fds=[lock.descriptor], stdout=out, stderr=out
    )
    return done.returncode

"""Test finished runs as a suite's claims ask for."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmark.records.store import RunFolder, Store
from benchmark.scheduling.untested import untested
from benchmark.status import Status
from benchmark.suite import LoadedSuite
from benchmark.worker.lease import Lease, lease, who_holds
from benchmark.worker.main import PARENT

_INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended."""


def tested_as_claimed(
    loaded: LoadedSuite, store: Store, cache: Path | None, say: Callable[[str], None]
) -> bool:
    """Test each finished run of a suite by the protocols that claims about its variants name, in a
    process of its own, where it was not yet, and then their ensembles. Returns whether all could
    be. One that another process tests is left to it."""
    from benchmark.data.images import DataError
    from benchmark.worker.evaluate import score_ensembles

    done = True
    for cell, protocol in untested(loaded, store):
        folder = store.run(cell)
        if store.status(cell) != Status.FINISHED:
            continue
        with lease(folder) as lock:
            if lock is None:
                say(f"{cell.name}, {protocol}: {who_holds(folder)} is testing it")
                done = False
            elif protocol not in folder.tested():
                say(f"{cell.name}, {protocol}:")
                code = _tested(folder, protocol, cache, lock)
                if code == _INTERRUPTED:
                    raise KeyboardInterrupt
                done = done and code == 0
    try:
        score_ensembles(store, loaded.suite.name, loaded.suite.claims)
    except DataError as error:
        say(str(error))
        return False
    return done


def _tested(folder: RunFolder, protocol: str, cache: Path | None, lock: Lease) -> int:
    """Test a run that this process holds. Returns the exit code of ``evaluate``."""
    words = [str(folder.path), protocol, *([str(cache)] if cache else [])]
    command = [sys.executable, "-P", "-m", "benchmark.commands.claim_test", *words]
    own = os.environ | {PARENT: str(os.getpid())}
    return subprocess.run(command, check=False, env=own, pass_fds=[lock.descriptor]).returncode

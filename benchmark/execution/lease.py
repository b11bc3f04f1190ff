"""Who trains a run: one process at a time, over all that share the results folder.

The holder locks the run's file ``lock`` (flock). The kernel frees it when the holder has ended,
however it ended, so that neither a process id that is used again nor a restart keeps a run held.
Since not every shared file system tells locks to other machines, the file also names the boot of
the holder's machine, and the run's worker renews its time: another machine keeps away until it
has not been renewed for ``EXPIRES_S``.
"""

import fcntl
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from benchmark.records.store import RunFolder

RENEW_S, EXPIRES_S = 30.0, 300.0
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@contextmanager
def lease(folder: RunFolder) -> Iterator[int | None]:
    """Hold a run: the file descriptor that holds it; None where another process does.

    A process that inherits the descriptor holds the run as well, so that a worker which outlives
    its parent still keeps others away.
    """
    folder.path.mkdir(parents=True, exist_ok=True)
    with _file(folder).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        if _held_by_another_machine(folder, lock):
            yield None
            return
        _write(lock, machine())
        try:
            yield lock.fileno()
        finally:
            _write(lock, "")


def keep_renewing(folder: RunFolder) -> None:
    """Renew the lease for as long as this process lives. Where another machine has taken it,
    as this one stood still for too long, the process ends: two must not write."""

    def renew() -> None:
        held, file = machine(), _file(folder)
        while True:
            time.sleep(RENEW_S)
            with suppress(OSError):  # A share that is away for a moment.
                if file.read_text() != held:
                    print("another machine has taken this run over", file=sys.stderr, flush=True)
                    os._exit(1)
                os.utime(file)

    threading.Thread(target=renew, daemon=True).start()


def machine() -> str:
    """This machine since its last boot; it names nothing else."""
    return _BOOT.read_text().strip()


def _file(folder: RunFolder) -> Path:
    return folder.path / "lock"


def _held_by_another_machine(folder: RunFolder, lock: TextIO) -> bool:
    lock.seek(0)
    holder = lock.read()
    return holder not in ("", machine()) and _age_s(folder, lock) < EXPIRES_S


def _age_s(folder: RunFolder, lock: TextIO) -> float:
    """Since the lease was renewed, by the clock of the file system, which all machines share."""
    probe = folder.path / f".clock.{os.getpid()}"
    probe.write_bytes(b"")
    now = probe.stat().st_mtime
    probe.unlink()
    return now - os.fstat(lock.fileno()).st_mtime


def _write(lock: TextIO, text: str) -> None:
    lock.truncate(0)
    lock.write(text)
    lock.flush()

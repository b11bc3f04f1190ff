"""Who trains a run: one process at a time, over all that share the results folder (Linux).

The holder locks the run's file ``lock`` (flock). The kernel frees it when the holder has ended,
however it ended, so that a process id that is used again keeps no run held. Since not every shared
file system tells locks to other machines, the file also names the holder's machine and its boot,
and the run's worker renews its time. Another machine keeps away until that was not done for
``EXPIRES_S``; the same machine after another boot does not, since what held it then is gone. Of two
machines that claim a run at once, the last to write has it.
"""

import fcntl
import hashlib
import os
import platform
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TextIO

from benchmark.records.store import RunFolder

SETTLE_S, RENEW_S, EXPIRES_S = 2.0, 30.0, 300.0


@dataclass(frozen=True)
class Lease:
    """A run that this process holds."""

    descriptor: int
    """A process that inherits it holds the run as well, so that a worker which outlives its
    parent still keeps others away."""
    file: Path

    def is_held(self) -> bool:
        """Whether no other machine has taken it meanwhile."""
        return self.file.read_text() == holder()


@contextmanager
def lease(folder: RunFolder) -> Iterator[Lease | None]:
    """Hold a run; None where another process does."""
    folder.path.mkdir(parents=True, exist_ok=True)
    file = _file(folder)
    with file.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        if _held_by_another_machine(folder, lock):
            yield None
            return
        _write(lock, holder())
        mine = Lease(lock.fileno(), file)
        try:
            yield mine
        finally:
            if mine.is_held():
                _write(lock, "")


def keep_renewing(folder: RunFolder) -> None:
    """Renew the lease for as long as this process lives. Where another machine has taken it,
    as this one stood still for too long, the process ends: two must not write."""

    def renew() -> None:
        mine, file, pause = holder(), _file(folder), SETTLE_S
        while True:
            time.sleep(pause)
            pause = RENEW_S
            with suppress(OSError):  # A share that is away for a moment.
                if file.read_text() != mine:
                    print("another machine has taken this run over", file=sys.stderr, flush=True)
                    os._exit(1)
                os.utime(file)

    threading.Thread(target=renew, daemon=True).start()


@cache
def holder() -> str:
    """This machine, by a digest of its names, and its boot."""
    names = [platform.node()]
    with suppress(OSError):
        names.append(Path("/etc/machine-id").read_text())
    machine = hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{machine} {boot}"


def _file(folder: RunFolder) -> Path:
    return folder.path / "lock"


def _held_by_another_machine(folder: RunFolder, lock: TextIO) -> bool:
    lock.seek(0)
    found = lock.read().split(" ")[0]
    return found not in ("", holder().split(" ")[0]) and _age_s(folder, lock) < EXPIRES_S


def _age_s(folder: RunFolder, lock: TextIO) -> float:
    """Since the lease was renewed, by the clock of the file system, which all machines share."""
    probe = folder.path / f".clock.{secrets.token_hex(4)}.aside"
    probe.write_bytes(b"")
    now = probe.stat().st_mtime
    probe.unlink()
    return now - os.fstat(lock.fileno()).st_mtime


def _write(lock: TextIO, text: str) -> None:
    lock.truncate(0)
    lock.write(text)
    lock.flush()

"""Leases of runs: one process at a time trains a run, among all that share the results folder
(Linux).

The holder locks the run's file ``lock`` (``records.locks``). The kernel unlocks it when the holder
ends, however it ends, so that a reused process id keeps no run held. Since not every shared file
system shares locks between machines, the newest of the files ``lease.1``, ``lease.2``, ... names
the holder's machine and its boot, and the run's worker renews its time. Another machine stays away
until the lease has not been renewed for ``EXPIRES_S``; the same machine need not, since it sees the
lock. A worker whose lease was taken over ends before it writes anything. Each claim is a new
number, which only one machine can take.
"""

import hashlib
import os
import platform
import re
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from benchmark.records import locks
from benchmark.records.files import named
from benchmark.records.store import RunFolder

RENEW_S, EXPIRES_S = 30.0, 300.0

CLOCKS_APART_S = 60.0
"""The most that machines' clocks may differ by: a lease dated further ahead is stale."""

_FREE = "free"

_LEASE = re.compile(r"lease\.(\d+)")
"""The name of a lease; other files in the folder, such as a copy made by a synchronization program,
are not leases."""


@dataclass(frozen=True)
class Lease:
    """A run that this process holds."""

    descriptor: int
    """A process that inherits it holds the run, too, so that a worker that outlives its parent
    still keeps others away."""
    file: Path

    def is_held(self) -> bool:
        """Return whether no other machine has taken it over."""
        return _newest(self.file.parent) == self.file and _is_ours(self.file.read_text())


@contextmanager
def lease(folder: RunFolder) -> Iterator[Lease | None]:
    """Hold a run; yields None if another process holds it."""
    folder.path.mkdir(parents=True, exist_ok=True)
    with locks.locked(folder.path / "lock") as lock:
        file = _claim(folder.path, holder() if lock.by_flock else _by_socket()) if lock else None
        if lock is None or file is None:
            yield None
            return
        mine = Lease(lock.descriptor, file)
        try:
            yield mine
        finally:
            with suppress(OSError):  # If the share is offline, the lease expires instead.
                if mine.is_held():
                    file.write_text(_FREE)


def who_holds(folder: RunFolder) -> str:
    """Describe the machine that holds a run, and when it was last heard from."""
    with suppress(OSError):
        file = _newest(folder.path)
        found, renewed = file.read_text(), datetime.fromtimestamp(file.stat().st_mtime, UTC)
        if found != _FREE:
            name = found.split(" ")[2:]
            machine = " ".join(name) or "another machine"
            if _machine(found) in (_machine(holder()), _machine(_by_socket())):
                machine = f"this machine ({machine})" if name else "this machine"
            return f"a process on {machine}, last heard from at {renewed:%Y-%m-%d %H:%M:%S} UTC,"
    return "another process"


def keep_renewing(folder: RunFolder) -> None:
    """Renew the lease for as long as this process lives, and check every second whether it was
    taken over (see ``end_if_taken``)."""

    def renew() -> None:
        renewed = 0.0
        while True:
            with suppress(OSError):  # A share that is briefly offline.
                file = end_if_taken(folder)
                # The time of day goes on while a machine is suspended; a sleep does not.
                if time.time() - renewed >= RENEW_S:
                    os.utime(file)
                    renewed = time.time()
            time.sleep(min(1.0, RENEW_S))

    threading.Thread(target=renew, daemon=True).start()


def end_if_taken(folder: RunFolder) -> Path:
    """End this process if another machine has taken its run over because this one was suspended for
    too long: two must not write. Returns the newest lease. Raises OSError if there is none."""
    file = _newest(folder.path)
    if not _is_ours(file.read_text()):
        print("another machine has taken this run over", file=sys.stderr, flush=True)
        os._exit(1)
    return file


@cache
def holder() -> str:
    """Identify this machine: a digest of its names, its boot, and its readable name."""
    names = [platform.node()]
    with suppress(OSError):
        names.append(Path("/etc/machine-id").read_text())
    machine = hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{machine} {boot} {platform.node()}"


def _by_socket() -> str:
    """Identify this machine as a different one from those that use flock: neither sees the other's
    locks."""
    machine, _, rest = holder().partition(" ")
    own = hashlib.sha256(f"{machine} {locks.where()}".encode()).hexdigest()[:16]
    return f"{own} {rest}"


def _machine(found: str) -> str:
    return found.split(" ")[0]


def _is_ours(found: str) -> bool:
    return found in (holder(), _by_socket())


def _newest(folder: Path) -> Path:
    """Return the newest lease in a run's folder, or ``lease.0``, which never exists."""
    return max(_leases(folder), key=_number, default=folder / "lease.0")


def _leases(folder: Path) -> list[Path]:
    """Return the leases in a folder. Raises OSError if it cannot be read, unlike ``glob``."""
    return [path for path in folder.iterdir() if _LEASE.fullmatch(path.name)]


def _number(file: Path) -> int:
    return int(file.suffix[1:])


def _claim(folder: Path, name: str) -> Path | None:
    """Claim a run for the machine ``name``. Returns the file of the lease, or None if another
    machine has the run."""
    aside = folder / f".lease.{secrets.token_hex(4)}.aside"
    aside.write_text(name)
    try:
        return _claim_by(aside, folder, name)
    except FileNotFoundError:  # Another machine has started, and deleted the half-written file.
        return None
    finally:
        aside.unlink(missing_ok=True)


def _claim_by(aside: Path, folder: Path, name: str) -> Path | None:
    last = _newest(folder)
    # Times are from the file system's clock, which all machines share.
    if last.exists() and _is_held(last, aside.stat().st_mtime, name):
        return None
    mine = folder / f"lease.{_number(last) + 1}"
    if not named(aside, mine) or _newest(folder) != mine:
        return None
    for earlier in _leases(folder):
        if _number(earlier) < _number(mine):
            earlier.unlink(missing_ok=True)
    return mine


def _is_held(file: Path, now: float, name: str) -> bool:
    """Return whether a machine other than ``name`` holds the lease and has renewed it."""
    try:
        found, renewed = file.read_text(), file.stat().st_mtime
    except FileNotFoundError:  # There is a newer lease.
        return True
    here = _machine(found) == _machine(name)
    return not here and found != _FREE and -CLOCKS_APART_S < now - renewed < EXPIRES_S

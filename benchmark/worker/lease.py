"""Who trains a run: one process at a time, over all that share the results folder (Linux).

The holder locks the run's file ``lock`` (``records.locks``). The kernel frees it when the holder
has ended, however it ended, so that a process id that is used again keeps no run held. Since not
every shared file system tells locks to other machines, the newest of the files ``lease.1``,
``lease.2``, ... names the holder's machine and its boot, and the run's worker renews its time.
Another machine keeps away until that was not done for ``EXPIRES_S``; the same machine does not,
since it has the lock. A worker that finds its lease taken ends, before it writes anything.
Each claim is a new number, which one machine alone can take.
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
"""By how much machines' clocks may differ: a lease that is dated further ahead is stale."""

_FREE = "free"

_LEASE = re.compile(r"lease\.(\d+)")
"""Of all else that lies in the folder, such as a copy that a synchronizing program has made,
nothing is a lease."""


@dataclass(frozen=True)
class Lease:
    """A run that this process holds."""

    descriptor: int
    """A process that inherits it holds the run as well, so that a worker which outlives its
    parent still keeps others away."""
    file: Path

    def is_held(self) -> bool:
        """Whether no other machine has taken it meanwhile."""
        return _newest(self.file.parent) == self.file and _is_ours(self.file.read_text())


@contextmanager
def lease(folder: RunFolder) -> Iterator[Lease | None]:
    """Hold a run; None where another process does."""
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
            with suppress(OSError):  # A share that is away now; then the lease expires.
                if mine.is_held():
                    file.write_text(_FREE)


def who_holds(folder: RunFolder) -> str:
    """The machine that has a run, and when it was last heard of, in words."""
    with suppress(OSError):
        file = _newest(folder.path)
        found, renewed = file.read_text(), datetime.fromtimestamp(file.stat().st_mtime, UTC)
        if found != _FREE:
            name = found.split(" ")[2:]
            machine = " ".join(name) or "another machine"
            if _machine(found) in (_machine(holder()), _machine(_by_socket())):
                machine = f"this machine ({machine})" if name else "this machine"
            return f"a process of {machine}, last heard of at {renewed:%Y-%m-%d %H:%M:%S} UTC,"
    return "another process"


def keep_renewing(folder: RunFolder) -> None:
    """Renew the lease for as long as this process lives, and see each second whether it is taken
    (see ``end_if_taken``)."""

    def renew() -> None:
        renewed = 0.0
        while True:
            with suppress(OSError):  # A share that is away for a moment.
                file = end_if_taken(folder)
                # The time of day goes on while a machine is suspended; a sleep does not.
                if time.time() - renewed >= RENEW_S:
                    os.utime(file)
                    renewed = time.time()
            time.sleep(min(1.0, RENEW_S))

    threading.Thread(target=renew, daemon=True).start()


def end_if_taken(folder: RunFolder) -> Path:
    """End this process where another machine has taken its run, as this one stood still for too
    long: two must not write. Returns the newest lease. Raises OSError where there is none."""
    file = _newest(folder.path)
    if not _is_ours(file.read_text()):
        print("another machine has taken this run over", file=sys.stderr, flush=True)
        os._exit(1)
    return file


@cache
def holder() -> str:
    """This machine, by a digest of its names, its boot, and its name for people."""
    names = [platform.node()]
    with suppress(OSError):
        names.append(Path("/etc/machine-id").read_text())
    machine = hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{machine} {boot} {platform.node()}"


def _by_socket() -> str:
    """This machine, as another one to those who lock by flock: neither sees the other's locks."""
    machine, _, rest = holder().partition(" ")
    own = hashlib.sha256(f"{machine} {locks.where()}".encode()).hexdigest()[:16]
    return f"{own} {rest}"


def _machine(found: str) -> str:
    return found.split(" ")[0]


def _is_ours(found: str) -> bool:
    return found in (holder(), _by_socket())


def _newest(folder: Path) -> Path:
    """The newest lease of a run's folder; ``lease.0``, which is never there, before the first."""
    return max(_leases(folder), key=_number, default=folder / "lease.0")


def _leases(folder: Path) -> list[Path]:
    """Raises OSError where the folder cannot be read, unlike ``glob``."""
    return [path for path in folder.iterdir() if _LEASE.fullmatch(path.name)]


def _number(file: Path) -> int:
    return int(file.suffix[1:])


def _claim(folder: Path, name: str) -> Path | None:
    """The file of a lease that is from now on that of the machine ``name``; None where another has
    the run."""
    aside = folder / f".lease.{secrets.token_hex(4)}.aside"
    aside.write_text(name)
    try:
        return _claim_by(aside, folder, name)
    except FileNotFoundError:  # Another machine has begun, and tidied up what was half written.
        return None
    finally:
        aside.unlink(missing_ok=True)


def _claim_by(aside: Path, folder: Path, name: str) -> Path | None:
    last = _newest(folder)
    # Times are by the clock of the file system, which all machines share.
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
    """Whether it is the lease of another machine than ``name``, which has renewed it."""
    try:
        found, renewed = file.read_text(), file.stat().st_mtime
    except FileNotFoundError:  # There is a newer one.
        return True
    here = _machine(found) == _machine(name)
    return not here and found != _FREE and -CLOCKS_APART_S < now - renewed < EXPIRES_S

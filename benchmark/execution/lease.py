"""Who trains a run: one process at a time, over all that share the results folder (Linux).

The holder locks the run's file ``lock`` (flock). The kernel frees it when the holder has ended,
however it ended, so that a process id that is used again keeps no run held. Since not every shared
file system tells locks to other machines, the newest of the files ``lease.1``, ``lease.2``, ...
names the holder's machine and its boot, and the run's worker renews its time. Another machine keeps
away until that was not done for ``EXPIRES_S``; the same machine does not, since it has the lock. A
worker that finds its lease taken ends, before it writes anything.
Each claim is a new number, which one machine alone can take.
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

from benchmark.records.store import RunFolder

RENEW_S, EXPIRES_S = 30.0, 300.0

_FREE = "free"


@dataclass(frozen=True)
class Lease:
    """A run that this process holds."""

    descriptor: int
    """A process that inherits it holds the run as well, so that a worker which outlives its
    parent still keeps others away."""
    file: Path

    def is_held(self) -> bool:
        """Whether no other machine has taken it meanwhile."""
        return _newest(self.file.parent) == self.file and self.file.read_text() == holder()


@contextmanager
def lease(folder: RunFolder) -> Iterator[Lease | None]:
    """Hold a run; None where another process does."""
    folder.path.mkdir(parents=True, exist_ok=True)
    with (folder.path / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        file = _claim(folder.path)
        if file is None:
            yield None
            return
        mine = Lease(lock.fileno(), file)
        try:
            yield mine
        finally:
            with suppress(OSError):  # A share that is away now; then the lease expires.
                if mine.is_held():
                    file.write_text(_FREE)


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
    if file.read_text() != holder():
        print("another machine has taken this run over", file=sys.stderr, flush=True)
        os._exit(1)
    return file


@cache
def holder() -> str:
    """This machine, by a digest of its names, and its boot."""
    names = [platform.node()]
    with suppress(OSError):
        names.append(Path("/etc/machine-id").read_text())
    machine = hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{machine} {boot}"


def _newest(folder: Path) -> Path:
    """The newest lease of a run's folder; ``lease.0``, which is never there, before the first."""
    return max(_leases(folder), key=_number, default=folder / "lease.0")


def _leases(folder: Path) -> list[Path]:
    """Raises OSError where the folder cannot be read, unlike ``glob``."""
    return [path for path in folder.iterdir() if path.name.startswith("lease.")]


def _number(file: Path) -> int:
    return int(file.suffix[1:])


def _claim(folder: Path) -> Path | None:
    """The file of a lease that is this machine's from now on; None where another has the run."""
    aside = folder / f".lease.{secrets.token_hex(4)}.aside"
    aside.write_text(holder())
    try:
        return _claim_by(aside, folder)
    except FileNotFoundError:  # Another machine has begun, and tidied up what was half written.
        return None
    finally:
        aside.unlink(missing_ok=True)


def _claim_by(aside: Path, folder: Path) -> Path | None:
    last = _newest(folder)
    # Times are by the clock of the file system, which all machines share.
    if last.exists() and _is_held(last, aside.stat().st_mtime):
        return None
    mine = folder / f"lease.{_number(last) + 1}"
    if not _made(aside, mine) or _newest(folder) != mine:
        return None
    for earlier in _leases(folder):
        if _number(earlier) < _number(mine):
            earlier.unlink(missing_ok=True)
    return mine


def _is_held(file: Path, now: float) -> bool:
    """Whether it is the lease of another machine, which has renewed it."""
    try:
        found, renewed = file.read_text(), file.stat().st_mtime
    except FileNotFoundError:  # There is a newer one.
        return True
    here = found.split(" ")[0] == holder().split(" ")[0]
    return not here and found != _FREE and now - renewed < EXPIRES_S


def _made(aside: Path, file: Path) -> bool:
    """Give a file its name, if no other has it: of machines that do so at once, one succeeds."""
    try:
        os.link(aside, file)
    except FileExistsError:
        return False
    except FileNotFoundError:
        raise
    except OSError:  # A file system without links.
        with suppress(FileExistsError), file.open("x") as made:
            made.write(aside.read_text())
            return True
        return False
    return True

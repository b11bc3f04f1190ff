"""Locks between processes on one machine, which the kernel frees when their holders end.

They use flock if the file system supports it. Some shared file systems of clusters do not (Lustre
mounted with ``noflock``, NFS without its lock service); there an abstract Unix socket is bound to a
name derived from the file's device and inode. No other process on the machine can bind it until all
that inherited the socket have ended. A container with its own network has separate sockets: see
``where``.
"""

import errno
import fcntl
import hashlib
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_NONE = {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL}
"""Errors from file systems without flock."""

_POLL_S = 0.1


@dataclass(frozen=True)
class Lock:
    """A file that this process has locked."""

    descriptor: int
    """A process that inherits it holds the lock as well."""
    by_flock: bool
    """False if a socket holds the lock."""


@contextmanager
def locked(path: Path, *, wait: bool = False) -> Iterator[Lock | None]:
    """Lock a file, creating it if necessary. Yields None if another process holds the lock, or
    waits for it with ``wait``."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield None
            return
        except OSError as error:
            if error.errno not in _NONE:
                raise
        else:
            yield Lock(file.fileno(), by_flock=True)
            return
        with socket.socket(socket.AF_UNIX) as held:
            while not (bound := _bound(held, file.fileno())) and wait:
                time.sleep(_POLL_S)
            yield Lock(held.fileno(), by_flock=False) if bound else None


def has_flock(folder: Path) -> bool:
    """Return whether flock can lock the files of a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _NONE
    finally:
        os.close(descriptor)
    return True


def where() -> str:
    """Return this network namespace: a socket locks only among its processes."""
    with suppress(OSError):
        return str(Path("/proc/self/ns/net").readlink())
    return ""


def _bound(held: socket.socket, file: int) -> bool:
    found = os.fstat(file)
    digest = hashlib.sha256(f"{found.st_dev} {found.st_ino}".encode()).hexdigest()
    try:
        held.bind(f"\0resnet-bench-{digest}")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise
    return True

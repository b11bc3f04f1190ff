"""Who trains a run: one process at a time, over all that share the results folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from benchmark.records.store import RunFolder


@contextmanager
def lease(folder: RunFolder) -> Iterator[int | None]:
    """Hold a run: the file descriptor that holds it; None where another process does.

    A process that inherits the descriptor holds the run as well, so that a worker which outlives
    its parent still keeps others away.
    """
    folder.path.mkdir(parents=True, exist_ok=True)
    with (folder.path / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield lock.fileno()

"""A run's worker to which something happens at one of its writes.

``python -m benchmark.storm.fault FAULT POINT RUN_FOLDER``. The points are the places, counted from
1, where the worker changes its folder: a file opened to be written, the beginning and the middle of
what is written, a flush to the disk, a new folder, a rename, a deletion. At POINT ``kill`` ends the
process by SIGKILL; ``fill`` fills the file system; ``count`` does nothing. At the end a line of the
log, ``points:``, has the kind of each.
"""

import atexit
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmark.execution import worker

WRITE = "write"
"""The kind of a point before either half of what is written."""

POINTS = "points: "
"""How the line in the log begins."""

_CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir")
_WRITING = os.O_WRONLY | os.O_RDWR


class Points:
    """Counts the points of a folder, and acts at one of them."""

    def __init__(self, folder: Path, point: int, act: Callable[[], None]):
        self.folder, self.point, self.act = str(folder), point, act
        self.kinds: list[str] = []
        self.acting = False

    def reached(self, path: str, kind: str) -> None:
        """The worker is about to change ``path``."""
        if self.acting or not path.startswith(self.folder):
            return
        self.kinds.append(kind)
        if len(self.kinds) == self.point:
            self.acting = True
            self.act()
            self.acting = False

    def watch(self) -> None:
        """From now on."""
        sys.addaudithook(self._audit)
        flush, opened = os.fsync, Path.open

        def counted_flush(file: int) -> None:
            self.reached(str(_opened(file)), "flush")
            flush(file)

        def counted_open(path: Path, mode: str = "r", *rest: Any, **named: Any) -> Any:
            file = opened(path, mode, *rest, **named)
            return _InHalves(file, self) if mode[0] in "wa" else file

        os.fsync, Path.open = counted_flush, counted_open  # type: ignore[method-assign,assignment]

    def _audit(self, event: str, arguments: tuple) -> None:
        if event == "open":
            path, _, flags = arguments
            if not isinstance(path, int | bytes) and flags & _WRITING:
                self.reached(os.fspath(path), "open")
        elif event in _CHANGES:
            path, within = os.fspath(arguments[0]), arguments[-1]
            if isinstance(within, int) and within >= 0:
                path = str(_opened(within) / path)
            self.reached(str(path), event)


class _InHalves:
    """A file whose writes can be torn."""

    def __init__(self, file: Any, points: Points):
        self._file, self._points = file, points

    def write(self, data: Any) -> None:
        middle = len(data) // 2
        for half in (data[:middle], data[middle:]):
            self._points.reached(str(self._file.name), WRITE)
            self._file.write(half)
            self._file.flush()

    def __enter__(self) -> "_InHalves":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _opened(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}").readlink()


def fill(results: Path) -> None:
    """Fill the file system of a results folder, by a file ``ballast`` in it."""
    file = os.open(results / "ballast", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for size in (1 << 20, 1 << 12, 1):
        try:
            while True:
                os.write(file, bytes(size))
        except OSError:
            continue
    os.close(file)


def main(fault: str, point: int, folder: Path) -> None:
    """Train the run of a folder, and act on the way."""
    acts: dict[str, Callable[[], None]] = {
        "count": lambda: None,
        "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "fill": lambda: fill(folder.parent.parent),
    }
    points = Points(folder, point, acts[fault])
    points.watch()
    atexit.register(lambda: print(f"{POINTS}{' '.join(points.kinds)}", file=sys.stderr))
    worker.main(folder)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))

"""Run a process and make something happen at one of its writes.

``python -m benchmark.proof.storm.fault FAULT POINT MODULE [ARGUMENT...] FOLDER`` runs a module, as
``python -m`` does. The points are the places, counted from 1, where the process changes the folder:
opening a file for writing, the beginning and the middle of a write, a flush to disk, a new folder,
a link, a rename, a deletion. At POINT, ``kill`` ends the process by SIGKILL; ``fill`` fills the
file system; ``count`` does nothing. At the end, a line on standard error, ``points:``, lists the
kind of each.
"""

import atexit
import os
import runpy
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

WRITE = "write"
"""The kind of a point before either half of a write."""

BALLAST = "ballast"
"""The file that fills a file system."""

POINTS = "points: "
"""Prefix of the line that lists the kinds."""

_CHANGES = ("os.mkdir", "os.link", "os.rename", "os.remove", "os.rmdir")
_WRITING = os.O_WRONLY | os.O_RDWR


class Points:
    """Counts the points of a folder, and acts at one of them."""

    def __init__(self, folder: Path, point: int, act: Callable[[], None]):
        self.folder, self.point, self.act = str(folder), point, act
        self.kinds: list[str] = []
        self.acting = False

    def reached(self, path: str, kind: str) -> None:
        """Record that the process is about to change ``path``."""
        if self.acting or not path.startswith(self.folder):
            return
        self.kinds.append(kind)
        if len(self.kinds) == self.point:
            self.acting = True
            self.act()
            self.acting = False

    def watch(self) -> None:
        """Start counting."""
        sys.addaudithook(self._audit)
        flush, opened = os.fsync, Path.open

        def counted_flush(file: int) -> None:
            self.reached(str(_opened(file)), "flush")
            flush(file)

        def counted_open(path: Path, mode: str = "r", *rest: Any, **named: Any) -> Any:
            file = opened(path, mode, *rest, **named)
            return _InHalves(file, self) if mode[0] in "wa" else file

        os.fsync, Path.open = counted_flush, counted_open  # type: ignore[method-assign,assignment]

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
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


def fill(folder: Path) -> None:
    """Fill the file system that a folder is on, with a file ``ballast`` at its root."""
    while not folder.is_mount():
        folder = folder.parent
    file = os.open(folder / BALLAST, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for size in (1 << 20, 1 << 12, 1):
        try:
            while True:
                os.write(file, bytes(size))
        except OSError:
            continue
    os.close(file)


def main(fault: str, point: int, module: str, *arguments: str) -> None:
    """Run a module, and act at the point."""
    folder = Path(arguments[-1]).resolve()
    acts: dict[str, Callable[[], None]] = {
        "count": lambda: None,
        "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "fill": lambda: fill(folder),
    }
    points = Points(folder, point, acts[fault])
    points.watch()
    atexit.register(lambda: print(f"{POINTS}{' '.join(points.kinds)}", file=sys.stderr))
    sys.argv[1:] = arguments
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])

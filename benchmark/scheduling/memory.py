"""Checks whether another run fits into this machine's memory."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from benchmark.records.problems import RecordsError
from benchmark.records.store import Store
from benchmark.spec import RunSpec
from benchmark.suite import Cell

UNKNOWN_MIB = 2048.0
"""Memory assumed for a run if no run is recorded yet."""


class MemoryWatch:
    """The memory that runs need, learned from similar runs that have ended."""

    def __init__(self) -> None:
        self._peaks: dict[str, float] = {}

    @classmethod
    def of(cls, cells: Iterable[Cell], store: Store) -> "MemoryWatch":
        """Learn from the records of the cells' runs that have ended."""
        watch = cls()
        for cell in cells:
            with suppress(OSError, RecordsError):  # Reported when the run is due to start.
                watch.learn(cell, store.run(cell).result())
        return watch

    def learn(self, cell: Cell, result: Mapping[str, Any] | None) -> None:
        """Take in the result of a run that has ended."""
        peak = (result or {}).get("peak_memory_mib")
        if peak:
            kind = _kind(cell.spec)
            self._peaks[kind] = max(peak, self._peaks.get(kind, 0.0))

    def need_mib(self, cell: Cell) -> float:
        """Return the peak of runs with the same images, net, batch and precision, else the highest
        known peak."""
        known = self._peaks.get(_kind(cell.spec))
        return known or max(self._peaks.values(), default=UNKNOWN_MIB)

    def fits(self, cell: Cell, beside: Iterable[Cell], resident_mib: float) -> bool:
        """Return whether a run fits next to others once these have grown to what they need.
        ``resident_mib``: the memory that they take now."""
        room = available_mib() + resident_mib
        return self.need_mib(cell) + sum(map(self.need_mib, beside)) <= room


def available_mib() -> float:
    """Return the memory that processes can still take: on the machine or, if that is less, in one
    of this process's control groups (Linux)."""
    return min([psutil.virtual_memory().available / 2**20, *_left_in_groups()])


def _left_in_groups() -> Iterator[float]:
    """Yield the MiB left in each control group; the kernel's inactive file cache counts as free."""
    with suppress(OSError):
        for line in _GROUPS.read_text().splitlines():
            number, controllers, path = line.split(":", 2)
            if number != "0" and "memory" not in controllers.split(","):
                continue
            root, *names = _ROOT_V2 if number == "0" else _ROOT_V1
            group = root / path.lstrip("/")
            for each in [group, *group.parents]:
                if each == root or root in each.parents:
                    with suppress(OSError, ValueError):  # "max" is no limit, and not a number.
                        yield _left(each, *names)


_GROUPS = Path("/proc/self/cgroup")

_ROOT_V1 = (
    Path("/sys/fs/cgroup/memory"),
    "memory.limit_in_bytes",
    "memory.usage_in_bytes",
    "total_inactive_file",
)
_ROOT_V2 = (Path("/sys/fs/cgroup"), "memory.max", "memory.current", "inactive_file")


def _left(group: Path, limit: str, used: str, files: str) -> float:
    statistics = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    kept = int(statistics.get(files, 0))
    taken = int((group / used).read_text()) - kept
    return (int((group / limit).read_text()) - taken) / 2**20


def _kind(spec: RunSpec) -> str:
    data = spec.dataset.name, spec.dataset.image_shape
    parts = spec.model, spec.detector, spec.optimizer.batch_size, spec.numerics.precision
    return repr((*data, *parts))

"""A run's append-only journal: one JSON event per line, with the time it was written."""

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmark.events import Event, Kind, event_of
from benchmark.records.files import finite, writing
from benchmark.records.problems import RecordsError


class Journal:
    """An append-only file of events; each is on disk before ``append`` returns."""

    def __init__(self, path: Path):
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        _drop_torn_line(path)

    def append(self, event: Event) -> Event:
        """Add an event, with ``time`` in seconds since 1970, and return what was written."""
        return self.restore(finite({**event, "time": round(time.time(), 3)}))

    def restore(self, *events: Event) -> Event:
        """Add previously written events with their own times, and return the last."""
        with writing(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write("".join(json.dumps(event, allow_nan=False) + "\n" for event in events))
            file.flush()
            os.fsync(file.fileno())
        return events[-1]


def read_attempts(path: Path) -> Iterator[list[Event]]:
    """Yield the events of each attempt, from its ``start`` on, last attempt first. A truncated
    last line is left out.

    An attempt that resumes from a checkpoint (``resume``) repeats all epochs up to it, so nothing
    earlier is needed. Raises RecordsError for any other line that is not an event.
    """
    lines = _whole_lines(path)
    while lines:
        attempt: list[Event] = []
        while lines and not (attempt and attempt[-1]["event"] == Kind.START):
            attempt.append(_event(path, len(lines), lines.pop()))
        yield attempt[::-1]


def curves_sha256(events: Iterable[Event]) -> str:
    """Return the SHA-256 of all epoch rows among the events."""
    digest = hashlib.sha256()
    for event in events:
        if event["event"] == Kind.EPOCH:
            digest.update(json.dumps(event, sort_keys=True).encode() + b"\n")
    return digest.hexdigest()


def count_attempts(path: Path) -> int:
    """Return how many times the run was started."""
    try:
        return path.read_bytes().count(f'{{"event": "{Kind.START}"'.encode())
    except FileNotFoundError:
        return 0


def _whole_lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []


def _event(path: Path, number: int, line: bytes) -> Event:
    event = event_of(line)
    if event is None:
        text = line.decode(errors="replace")
        raise RecordsError(f"{path}:{number} must be a JSON event. Received: {text[:100]}")
    return event


def _drop_torn_line(path: Path) -> None:
    """Drop the half line left by a process that was killed while writing."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        whole = file.read().rfind(b"\n") + 1
        file.truncate(whole)

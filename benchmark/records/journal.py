"""A run's append-only journal: one JSON event a line, each with the time that it was written."""

import json
import os
import time
from pathlib import Path
from typing import Any

from benchmark.records.files import finite
from benchmark.records.problems import RecordsError

Event = dict[str, Any]
"""A JSON mapping with an ``event``. Training, which knows no records, has the same by itself."""


class Journal:
    """Appends events to a file; each is on the disk before ``append`` returns."""

    def __init__(self, path: Path):
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        _drop_torn_line(path)

    def append(self, event: Event) -> Event:
        """Add the event, with ``time`` in seconds since 1970. Returns what was written."""
        event = finite({**event, "time": round(time.time(), 3)})
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event, allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        return event


def read_attempt(path: Path) -> list[Event]:
    """The events of the last attempt, from its ``start`` on; a torn last line is left out.

    Where an attempt goes on from a checkpoint (``resume``), the epochs up to that one are those of
    the attempt before it; what came after the checkpoint was lost and is not told. Raises
    RecordsError for any other line that is none.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return []
    whole = text[: text.rfind("\n") + 1]
    attempt: list[Event] = []
    before: list[Event] = []
    for line in enumerate(whole.splitlines(), start=1):
        event = _event(path, *line)
        if event["event"] == "start":
            before, attempt = attempt, []
        if event["event"] == "resume":
            epochs = [past for past in before if past["event"] == "epoch"]
            attempt += [past for past in epochs if past["epoch"] <= event["epoch"]]
        attempt.append(event)
    return attempt


def count_attempts(path: Path) -> int:
    """How many times the run was started."""
    try:
        return path.read_text("utf-8").count('{"event": "start"')
    except FileNotFoundError:
        return 0


def _event(path: Path, number: int, line: str) -> Event:
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    if not isinstance(event, dict) or "event" not in event:
        raise RecordsError(f"{path}:{number} must be a JSON event. Received: {line[:100]}")
    return event


def _drop_torn_line(path: Path) -> None:
    """A process that was killed while it wrote leaves half a line; the next begins afresh."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        whole = file.read().rfind(b"\n") + 1
        file.truncate(whole)

"""A listener that takes the place of a missing mirror."""

from collections.abc import Sequence
from pathlib import Path

from benchmark.events import Event
from benchmark.suite import Cell


class Unmirrored:
    """A listener like ``BackgroundMirror`` that sends nothing: the records have everything."""

    problem: str | None = None

    def begin(self, cell: Cell) -> None:
        """Nothing."""

    def event(self, cell: Cell, event: Event) -> None:
        """Nothing."""

    def end(self, cell: Cell, status: str, reason: str) -> None:
        """Nothing."""

    def close(
        self, note: str | None = None, artifacts: Sequence[Path] = (), verdicts: str = ""
    ) -> None:
        """Nothing."""

"""In the place of a mirror, where there is none."""

from collections.abc import Sequence
from pathlib import Path

from benchmark.events import Event
from benchmark.suite import Cell


class Unmirrored:
    """A listener like ``BackgroundMirror`` that keeps nothing: the records have it all."""

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

"""Mirrors runs to MLflow beside the training, which never waits for it."""

import queue
import threading
from typing import Any

from benchmark.records.journal import Event
from benchmark.records.mlflow_mirror import MlflowMirror
from benchmark.records.store import Store
from benchmark.suite import Cell, Plan


class BackgroundMirror:
    """A listener that hands each epoch over to a thread of its own.

    Once the server fails the thread gives up; the journals hold everything, and a later ``sync``
    completes the mirror.
    """

    def __init__(self, store: Store, plan: Plan, tracking_uri: str):
        self.problem: str | None = None
        self._cells: dict[str, list[dict[str, Any]]] = {}
        for cell in plan.cells:
            row = {"variant": cell.variant, "seed": cell.seed, "run_id": cell.run_id}
            self._cells.setdefault(cell.run_id, []).append(row)
        self._jobs: queue.Queue[str | None] = queue.Queue()
        self._thread = threading.Thread(
            target=self._work, args=(store, plan.suite, tracking_uri), daemon=True
        )
        self._thread.start()

    def begin(self, cell: Cell) -> None:
        """Nothing is measured yet."""

    def event(self, cell: Cell, event: Event) -> None:
        """Mirror the run so far after each epoch."""
        if event["event"] == "epoch":
            self._jobs.put(cell.run_id)

    def end(self, cell: Cell, status: str, reason: str) -> None:
        """Mirror how it ended."""
        self._jobs.put(cell.run_id)

    def close(self, timeout: float = 60) -> None:
        """Wait for what is still to be sent, at most ``timeout`` seconds."""
        self._jobs.put(None)
        self._thread.join(timeout)
        if self._thread.is_alive():
            self.problem = f"no answer within {timeout:.0f} s"

    def _work(self, store: Store, suite: str, tracking_uri: str) -> None:
        try:
            mirror = MlflowMirror(store, suite, tracking_uri)
            while (run_id := self._jobs.get()) is not None:
                for cell in self._cells[run_id]:
                    mirror.mirror(cell)
        except Exception as error:  # A client of a server raises whatever the network does.
            self.problem = f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"

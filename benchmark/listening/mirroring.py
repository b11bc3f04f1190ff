"""Mirroring runs to a tracking server during training, which never waits for it."""

import logging
import os
import queue
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmark.events import Event, Kind
from benchmark.records.problems import masked, one_line, without_credentials
from benchmark.records.store import Store
from benchmark.status import Status
from benchmark.suite import Cell, Plan
from benchmark.tracking.mirror import Mirror, mirror_of
from benchmark.tracking.server import on_http, page_of

Job = Callable[[Mirror], None]

_LOG = logging.getLogger("resnet_bench.runs")


class BackgroundMirror:
    """A listener that hands each epoch to its own thread.

    While runs are trained, that thread gets only idle processor time. Once the server fails, it
    gives up; the journals hold everything, and a later ``sync`` completes the mirror.
    """

    def __init__(
        self,
        store: Store,
        plan: Plan,
        tracking_uri: str,
        say: Callable[[str], None] | None = None,
    ):
        """``say`` is called with the suite's page on a server once there is one, from the thread
        that calls this object."""
        self.problem: str | None = None
        self._say = say if on_http(tracking_uri) else None
        self._page: str | None = None
        self._trained = 0
        """Number of runs being trained."""
        self._sent = 0
        """Number of finished jobs."""
        self._cells: dict[str, list[dict[str, Any]]] = {}
        for cell in plan.cells:
            row = {"variant": cell.variant, "seed": cell.seed, "run_id": cell.run_id}
            self._cells.setdefault(cell.run_id, []).append(row)
        self._jobs: queue.Queue[Job | None] = queue.Queue()
        self._thread = threading.Thread(
            target=self._work, args=(store, plan, tracking_uri), daemon=True
        )
        self._thread.start()

    def begin(self, cell: Cell) -> None:
        """Note that a run starts; there is nothing to send yet."""
        self._tell_page()
        self._trained += 1
        self._stand_back()

    def event(self, cell: Cell, event: Event) -> None:
        """Mirror the run so far after each epoch."""
        self._tell_page()
        if event["event"] == Kind.EPOCH:
            self._jobs.put(self._mirroring(cell))

    def end(self, cell: Cell, status: str, reason: str) -> None:
        """Mirror how the run ended; a run of another process is mirrored by that process."""
        self._trained -= 1
        self._stand_back()
        if status != Status.BUSY:
            self._jobs.put(self._mirroring(cell))

    def close(
        self,
        note: str | None = None,
        artifacts: Sequence[Path] = (),
        verdicts: str = "",
        patience: float = 30,
    ) -> None:
        """Mirror a report's content, if there is one, and wait until everything is sent, or until
        nothing was sent for ``patience`` seconds."""
        if note is not None:
            self._jobs.put(lambda mirror: mirror.mirror_suite(note, artifacts, verdicts))
        self._jobs.put(None)
        sent = -1
        while self._thread.is_alive() and self._sent > sent:
            sent = self._sent
            self._thread.join(patience)
        self._tell_page()
        if self._thread.is_alive():
            self._fell_behind(f"nothing was sent for {patience:g} s")

    def _tell_page(self) -> None:
        if self._say and self._page:
            self._say(f"MLflow:  {self._page}")
            self._say = None

    def _fell_behind(self, problem: str) -> None:
        self.problem = problem
        _LOG.warning("MLflow is not up to date: %s", problem)

    def _stand_back(self) -> None:
        """Run this thread only on idle cores, which only Linux offers. Unlike ``nice``, this can be
        undone without privileges."""
        thread = self._thread.native_id
        if sys.platform == "linux" and thread:
            policy = os.SCHED_IDLE if self._trained else os.SCHED_OTHER
            with suppress(OSError):  # It has ended by now, or a container forbids it.
                os.sched_setscheduler(thread, policy, os.sched_param(0))

    def _mirroring(self, cell: Cell) -> Job:
        """Return the job that mirrors a run, which may have several names."""

        def job(mirror: Mirror) -> None:
            for row in self._cells[cell.run_id]:
                mirror.mirror(row)

        return job

    def _work(self, store: Store, plan: Plan, tracking_uri: str) -> None:
        try:
            mirror = mirror_of(store, plan.suite, tracking_uri)
            if self._say:
                server = without_credentials(tracking_uri).rstrip("/")
                detectors = any(cell.spec.detector for cell in plan.cells)
                self._page = page_of(server, mirror.experiment, detectors)
            while job := self._jobs.get():
                job(mirror)
                self._sent += 1
        except Exception as error:  # A server's client may raise any network error.
            self._fell_behind(masked(one_line(error), tracking_uri))

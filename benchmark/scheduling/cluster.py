"""A Ray cluster as the place where runs are trained: each run is a task for any node.

Ray stores nothing permanently; the runs' folders do. A node that sees the results folder at the
same path trains there, and resumes from the run's last checkpoint, whichever node wrote it. Any
other node trains in a folder of its own, a copy of the run's, which is sent back when the run ends
or is stopped. A task whose node or process is lost is restarted on another node.
"""

import logging
import math
import os
import secrets
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.data.cache import VARIABLE as CACHE
from benchmark.events import Event, Kind
from benchmark.records.problems import one_line
from benchmark.records.store import RunFolder, Store
from benchmark.scheduling.attempt import WORKER
from benchmark.scheduling.cluster_task import (
    POLL_S,
    RECEIVED,
    Order,
    Post,
    packed,
    train_task,
    unpack,
)
from benchmark.scheduling.runner import Ended, Job
from benchmark.scheduling.share import available_cores
from benchmark.status import DONE, Status
from benchmark.suite import Cell
from benchmark.worker.lease import lease, who_holds

_RETRIES = 10
"""Retries of a task whose node or process is lost."""


class RayCluster:
    """A Ray cluster, with one task per run that takes a CPU for each of its threads and, if the
    cluster has GPUs, a GPU for each of its replicas."""

    def __init__(
        self,
        store: Store,
        address: str | None = None,
        *,
        retry_failed: bool = False,
        worker: Sequence[str] = WORKER,
    ):
        """``address``: that of a cluster (``auto``, ``HOST:PORT``); by default one is started on
        this machine. ``retry_failed``: as in ``run_plan``. ``worker``: as in ``train_run``. Raises
        ConnectionError if no cluster answers."""
        ray = _connected(address)
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._ray, self._retry_failed, self._worker = ray, retry_failed, tuple(worker)
        actor: Any = ray.remote(Post)
        self._post = actor.options(num_cpus=0, scheduling_strategy=here).remote()
        self._tasks: dict[str, _Task] = {}
        self._open, self._presses = True, 0
        store.root.mkdir(parents=True, exist_ok=True)
        self._mark = store.root / f".seen-{secrets.token_hex(8)}"
        self._mark.touch()
        self._thread = threading.Thread(target=self._pass_on, daemon=True)
        self._thread.start()

    def has_room(self, cell: Cell, beside: Collection[Cell]) -> bool:
        """Return whether to start another run: as many as the cluster's CPUs and GPUs allow, and
        one more that waits, so that a cluster can scale up for it."""
        there = self._ray.cluster_resources()
        threads = sum(each.spec.numerics.threads for each in beside)
        replicas = sum(each.spec.numerics.replicas for each in beside)
        return threads <= there.get("CPU", 0) and replicas <= (there.get("GPU") or math.inf)

    def start(self, job: Job, tell: Callable[[Event], None]) -> Future[Ended]:
        """Start the run as a task; Ray chooses the node."""
        cell, numerics = job.cell, job.cell.spec.numerics
        gpus = numerics.replicas if self._ray.cluster_resources().get("GPU") else 0
        options = {"num_cpus": numerics.threads, "num_gpus": gpus, "max_retries": _RETRIES}
        order = Order(
            cell,
            str(self._mark.resolve()),
            self._retry_failed,
            job.epochs,
            self._worker,
            os.environ.get(CACHE),
            packed(job.folder.path),
            packed(job.folder.runs / cell.source) if cell.source else b"",
        )
        reference = self._ray.remote(train_task).options(**options).remote(order, self._post)
        task = self._tasks[cell.run_id] = _Task(reference, tell)
        reference.future().add_done_callback(lambda done: self._end(job, task, done))
        return task.ended

    def stop(self) -> None:
        """Ask the tasks to stop. The thread passes it on: a signal handler must not call Ray."""
        self._presses += 1

    def close(self) -> None:
        """End the remaining tasks at once."""
        self._open = False
        self._thread.join()
        self._mark.unlink(missing_ok=True)
        self._ray.shutdown()

    def _end(self, job: Job, task: "_Task", done: Future[tuple[str, str, bytes]]) -> None:
        self._tasks.pop(job.cell.run_id, None)
        try:
            status, reason, archive = done.result()
            if archive:
                status, reason = _received(job.folder, archive, status, reason)
        except Exception as error:  # From Ray, or from a folder that cannot be written.
            status, reason = Status.FAILED, one_line(error)
            if self._presses:
                status, reason = Status.INTERRUPTED, "Ctrl-C"
        if not task.ended.done():
            task.ended.set_result((status, reason))

    def _pass_on(self) -> None:
        """Pass on the tasks' events to those that asked for them, and each Ctrl-C to the tasks."""
        sent = 0
        try:
            while self._open:
                if sent < self._presses:
                    sent += 1
                    self._ray.get(self._post.press.remote())
                    self._cancel(all_=sent > 1)
                for run_id, event in self._ray.get(self._post.take.remote(POLL_S)):
                    task = self._tasks.get(run_id)
                    if task and event["event"] == Kind.BEGUN:
                        task.begun = True
                    elif task:
                        task.tell(event)
        except Exception as error:  # From the actor: Ctrl-C would no longer reach the tasks.
            for task in list(self._tasks.values()):
                task.ended.set_exception(error)

    def _cancel(self, *, all_: bool) -> None:
        """Cancel the tasks that no node has started yet, which Ctrl-C does not reach; or all."""
        for task in list(self._tasks.values()):
            if all_ or not task.begun:
                self._ray.cancel(task.reference, force=all_)


@dataclass
class _Task:
    reference: Any
    """Ray's."""
    tell: Callable[[Event], None]
    ended: Future[Ended] = field(default_factory=Future)
    begun: bool = False


def cpus(address: str | None = None) -> int:
    """Return a cluster's number of CPUs, the most threads that its runs use at once. Raises as
    ``RayCluster`` does."""
    if address is None:
        return len(available_cores())
    ray = _connected(address)
    try:
        return int(ray.cluster_resources().get("CPU", 0))
    finally:
        ray.shutdown()


def _connected(address: str | None) -> Any:
    """Return Ray, connected to a cluster."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    own = {"num_cpus": len(available_cores()), "_node_ip_address": "127.0.0.1"}
    settings: dict[str, Any] = {} if address else {**own, "include_dashboard": False}
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    try:
        if host:  # Ray itself would retry for minutes.
            socket.create_connection((host, int(port)), timeout=10).close()
        ray.init(address or "local", log_to_driver=False, logging_level=logging.ERROR, **settings)
    except (OSError, ValueError) as error:
        raise ConnectionError(one_line(error)) from error
    return ray


def _received(folder: RunFolder, archive: bytes, status: str, reason: str) -> Ended:
    """Put the files that were sent back into the run's folder, the result last; a run that another
    process is training there by now stays as it is."""
    with lease(folder) as lock:
        if lock is None:
            return Status.BUSY, f"{who_holds(folder)} has this run"
        with tempfile.TemporaryDirectory(dir=folder.path, prefix=RECEIVED) as beside:
            unpack(archive, Path(beside))
            names = sorted(path.name for path in Path(beside).iterdir())
            (folder.path / "result.json").unlink(missing_ok=True)
            if status in DONE:
                shutil.rmtree(folder.checkpoints, ignore_errors=True)
            for name in sorted(names, key=lambda name: name == "result.json"):
                if (folder.path / name).is_dir():
                    shutil.rmtree(folder.path / name)
                (Path(beside) / name).replace(folder.path / name)
    return status, reason

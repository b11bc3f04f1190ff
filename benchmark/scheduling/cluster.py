"""A Ray cluster as the place where runs are trained: each is a task, which any node may take.

Ray keeps nothing that lasts: the runs' folders do. A node that sees the results folder, at the same
path, trains there, and goes on from the run's last checkpoint wherever that was written; another
one trains in a folder of its own, which is sent back when the run has ended. A task whose node or
process is lost is started again on another.
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
from benchmark.scheduling.cluster_task import POLL_S, Order, Post, packed, train_task, unpack
from benchmark.scheduling.runner import Ended, Job
from benchmark.scheduling.share import available_cores
from benchmark.status import Status
from benchmark.suite import Cell
from benchmark.worker.lease import lease, who_holds

_RETRIES = 10
"""Of a task whose node or process is lost."""


class RayCluster:
    """One task a run, with as many CPUs as the run has threads and, where the cluster has GPUs, as
    many of them as it has replicas."""

    def __init__(
        self,
        store: Store,
        address: str | None = None,
        *,
        retry_failed: bool = False,
        worker: Sequence[str] = WORKER,
    ):
        """``address``: of a cluster (``auto``, ``HOST:PORT``); by default one is started on this
        machine. ``retry_failed``: as in ``run_plan``. ``worker``: what Python runs for a run.
        Raises ConnectionError where no cluster answers."""
        ray = _connected(address)
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._store, self._ray, self._retry_failed, self._worker = (
            store,
            ray,
            retry_failed,
            tuple(worker),
        )
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
        """As many as the cluster has CPUs and GPUs for, and one that waits, to which a cluster can
        grow."""
        there = self._ray.cluster_resources()
        threads = sum(each.spec.numerics.threads for each in beside)
        replicas = sum(each.spec.numerics.replicas for each in beside)
        return threads <= there.get("CPU", 0) and replicas <= (there.get("GPU") or math.inf)

    def start(self, job: Job, tell: Callable[[Event], None]) -> Future[Ended]:
        """As a task; Ray decides where."""
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
            packed(job.folder.runs / cell.source) if cell.source else b"",
        )
        reference = self._ray.remote(train_task).options(**options).remote(order, self._post)
        task = self._tasks[cell.run_id] = _Task(reference, tell)
        reference.future().add_done_callback(lambda done: self._end(job, task, done))
        return task.ended

    def stop(self) -> None:
        """The thread passes it on: nothing of Ray's is called by a signal's handler."""
        self._presses += 1

    def close(self) -> None:
        """The tasks that are left end at once."""
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
        except Exception as error:  # Ray's, or of a folder that cannot be written.
            status, reason = Status.FAILED, one_line(error)
            if self._presses:
                status, reason = Status.INTERRUPTED, "Ctrl-C"
        if not task.ended.done():
            task.ended.set_result((status, reason))

    def _pass_on(self) -> None:
        """What tasks tell, to those that asked for it; and each Ctrl-C to the tasks."""
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
        except Exception as error:  # Of the actor: nobody could hear Ctrl-C any more.
            for task in list(self._tasks.values()):
                task.ended.set_exception(error)

    def _cancel(self, *, all_: bool) -> None:
        """Of the tasks those that no node has begun yet, which hear nothing; or all."""
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
    """How many a cluster has: of it, as many runs' threads are trained at once. Raises as
    ``RayCluster`` does."""
    if address is None:
        return len(available_cores())
    ray = _connected(address)
    try:
        return int(ray.cluster_resources().get("CPU", 0))
    finally:
        ray.shutdown()


def _connected(address: str | None) -> Any:
    """Ray, once it has a cluster."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    own = {"num_cpus": len(available_cores()), "_node_ip_address": "127.0.0.1"}
    settings: dict[str, Any] = {} if address else {**own, "include_dashboard": False}
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    try:
        if host:  # Ray itself tries for minutes.
            socket.create_connection((host, int(port)), timeout=10).close()
        ray.init(address or "local", log_to_driver=False, logging_level=logging.ERROR, **settings)
    except (OSError, ValueError) as error:
        raise ConnectionError(one_line(error)) from error
    return ray


def _received(folder: RunFolder, archive: bytes, status: str, reason: str) -> Ended:
    """Put what was sent back in the run's place, the result last; what another process trains there
    meanwhile stays as it is."""
    with lease(folder) as lock:
        if lock is None:
            return Status.BUSY, f"{who_holds(folder)} has this run"
        with tempfile.TemporaryDirectory(dir=folder.path, prefix=".received-") as beside:
            unpack(archive, Path(beside))
            (folder.path / "result.json").unlink(missing_ok=True)
            shutil.rmtree(folder.checkpoints, ignore_errors=True)
            names = sorted(path.name for path in Path(beside).iterdir())
            for name in sorted(names, key=lambda name: name == "result.json"):
                (Path(beside) / name).replace(folder.path / name)
    return status, reason

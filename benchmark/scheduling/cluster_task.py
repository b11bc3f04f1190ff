"""The task of a run on a node of a Ray cluster, and the actor that passes its events on."""

import asyncio
import io
import os
import signal
import tarfile
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.data.cache import VARIABLE as CACHE
from benchmark.events import Event, Kind
from benchmark.records.store import Store
from benchmark.scheduling.local import ThisMachine
from benchmark.scheduling.runner import Ended, run_plan
from benchmark.status import Status
from benchmark.suite import Cell, Plan
from benchmark.worker.lease import EXPIRES_S

POLL_S = 0.5

RECEIVED = ".received-"
"""Beginning of the name of a folder with files that were sent back and are being put in place."""

_PRESSED = signal.SIGALRM
"""The signal that a task takes for Ctrl-C; Ray shields its workers from SIGINT itself."""


class Post:
    """The actor between the tasks and the process that waits for them."""

    def __init__(self) -> None:
        self.presses = 0
        self.told: asyncio.Queue[tuple[str, Event]] = asyncio.Queue()
        self.begun: set[str] = set()

    async def begin(self, run_id: str) -> bool:
        """Note that a task has started. Returns whether it had been started before, elsewhere."""
        again = run_id in self.begun
        self.begun.add(run_id)
        await self.told.put((run_id, {"event": Kind.BEGUN}))
        return again

    async def tell(self, run_id: str, event: Event) -> None:
        """Keep an event."""
        await self.told.put((run_id, event))

    async def take(self, seconds: float) -> list[tuple[str, Event]]:
        """Return the events so far, after waiting up to ``seconds`` for the first one."""
        taken = []
        with suppress(TimeoutError):
            taken.append(await asyncio.wait_for(self.told.get(), seconds))
        while not self.told.empty():
            taken.append(self.told.get_nowait())
        return taken

    async def press(self) -> None:
        """Ctrl-C."""
        self.presses += 1

    async def pressed(self) -> int:
        """Return how often Ctrl-C was pressed."""
        return self.presses


class _Teller:
    """A listener on a node that sends events to the actor."""

    def __init__(self, post: Any):
        self.post = post

    def begin(self, cell: Cell) -> None:
        """Do nothing: the process that started the task has already reported this."""

    def event(self, cell: Cell, event: Event) -> None:
        """Send it."""
        if event["event"] != Kind.STOPPING:
            self.post.tell.remote(cell.run_id, event)

    def end(self, cell: Cell, status: str, reason: str) -> None:
        """Do nothing: the task's result reports this."""


@dataclass(frozen=True)
class Order:
    """The instructions for a task."""

    cell: Cell
    mark: str
    """A file in the results folder; a node that sees it sees that folder."""
    retry_failed: bool
    epochs: int | None
    worker: tuple[str, ...]
    cache: str | None
    """The folder of decoded data sets, if one was named."""
    folder: bytes
    """An archive of the run's folder, whose last checkpoint it resumes from."""
    source: bytes
    """One of the run whose weights it starts from; empty if none."""


def train_task(order: Order, post: Any) -> tuple[str, str, bytes]:
    """Run the task. Returns status, reason and, unless this node sees the results folder, the run's
    folder in an archive."""
    import ray

    os.environ.pop("OMP_NUM_THREADS", None)  # Set by Ray, and not part of a run's spec.
    if order.cache:
        os.environ[CACHE] = order.cache
    again = ray.get(post.begin.remote(order.cell.run_id))
    if Path(order.mark).exists():
        return *_train_in(Path(order.mark).parent, order, post, again), b""
    with tempfile.TemporaryDirectory() as own:
        store = Store(Path(own))
        folder = store.run(order.cell).path
        unpack(order.folder, folder)
        if order.cell.source:
            unpack(order.source, store.run(order.cell.source).path)
        status, reason = _train_in(Path(own), order, post, again)
        return status, reason, packed(folder)


def _train_in(results: Path, order: Order, post: Any, again: bool) -> Ended:
    """Train the run. If it was started before, on a node that was lost, that node may still hold it
    until its lease expires: wait for that."""
    plan, waits_until = Plan("one", (order.cell,)), time.monotonic() + EXPIRES_S + 60
    (run_id,) = plan.runs()
    ended = threading.Event()
    signal.signal(_PRESSED, signal.default_int_handler)
    threading.Thread(target=_pass_on_presses, args=(post, ended), daemon=True).start()
    try:
        while True:
            outcome = run_plan(
                plan,
                Store(results),
                [_Teller(post)],
                ThisMachine(worker=order.worker),
                retry_failed=order.retry_failed,
                epochs=order.epochs,
            )
            status = outcome.statuses.get(run_id, Status.INTERRUPTED)
            if status != Status.BUSY or not again or time.monotonic() > waits_until:
                return status, outcome.reasons.get(run_id, "")
            time.sleep(5)
    except KeyboardInterrupt:  # While no training was under way.
        return Status.INTERRUPTED, "Ctrl-C"
    finally:
        ended.set()
        signal.signal(_PRESSED, signal.SIG_IGN)


def _pass_on_presses(post: Any, ended: threading.Event) -> None:
    import ray

    seen = 0
    while not ended.wait(POLL_S):
        pressed = ray.get(post.pressed.remote())
        if pressed > seen and not ended.is_set():
            seen += 1
            os.kill(os.getpid(), _PRESSED)


def unpack(archive: bytes, folder: Path) -> None:
    """Unpack an archive into ``folder``, which is made if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")


def packed(folder: Path) -> bytes:
    """Return a run's folder as an archive, without files of locks, of leases and of an archive that
    was not put in place, and without those that vanish because another process trains the run."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            left = path.name.startswith(("lock", "lease.")) or name.parts[0].startswith(RECEIVED)
            if path.is_file() and not left:
                with suppress(FileNotFoundError):
                    tar.add(path, name)
    return archive.getvalue()

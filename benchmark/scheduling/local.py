"""This machine as the place where runs are trained, each in its own process."""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from benchmark.events import Event
from benchmark.scheduling.attempt import WORKER, train_run
from benchmark.scheduling.memory import MemoryWatch
from benchmark.scheduling.runner import Ended, Job
from benchmark.scheduling.share import WHOLE, Share
from benchmark.scheduling.workers import Workers
from benchmark.suite import Cell


class ThisMachine:
    """This machine, with one run at a time in each share; a thread waits for each run."""

    def __init__(
        self,
        shares: Sequence[Share] = (WHOLE,),
        memory: MemoryWatch | None = None,
        worker: Sequence[str] = WORKER,
    ):
        """``memory``: the memory that runs need, if there are several shares. ``worker``: as in
        ``train_run``."""
        self._free, self._memory, self._worker = list(shares), memory or MemoryWatch(), worker
        self._workers, self._threads = Workers(), ThreadPoolExecutor(len(shares))

    def has_room(self, cell: Cell, beside: Collection[Cell]) -> bool:
        """Return whether a share is free and the run fits into memory; a single run always does."""
        if not (self._free and beside):
            return bool(self._free)
        return self._memory.fits(cell, beside, self._workers.resident_mib())

    def start(self, job: Job, tell: Callable[[Event], None]) -> Future[Ended]:
        """Start the run in the first free share."""
        share = self._free.pop(0)

        def work() -> Ended:
            try:
                return train_run(
                    job.cell,
                    job.folder,
                    tell,
                    workers=self._workers,
                    share=share,
                    epochs=job.epochs,
                    worker=self._worker,
                    due=job.due,
                )
            finally:
                self._free.append(share)
                with suppress(OSError):
                    self._memory.learn(job.cell, job.folder.result())

        return self._threads.submit(work)

    def stop(self) -> None:
        """End the workers after a checkpoint; on the second call, at once."""
        self._workers.stop()

    def close(self) -> None:
        """End all workers and threads."""
        self._workers.kill()
        self._threads.shutdown()

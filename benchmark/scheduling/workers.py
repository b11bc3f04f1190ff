"""The running worker processes, and how to end them all."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil


class Workers:
    """Running workers. Asked to stop once, each ends after a checkpoint; asked again, at once."""

    def __init__(self) -> None:
        self.stopping = False
        self._killing = False
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.RLock()  # A signal handler may interrupt.

    @contextmanager
    def counting(self, worker: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
        """Count a worker in the group until the end of the block, which it does not outlive."""
        with self._lock:
            self._running.add(worker)
            if self.stopping:
                self._end(worker)
        try:
            yield worker
        finally:
            with self._lock:
                self._running.discard(worker)
            worker.kill()
            worker.wait()

    def stop(self) -> None:
        """End the workers, including any that are yet to start."""
        with self._lock:
            self._killing, self.stopping = self.stopping, True
            for worker in self._running:
                self._end(worker)

    def kill(self) -> None:
        """End the workers at once."""
        with self._lock:
            self.stopping = True
            self.stop()

    def resident_mib(self) -> float:
        """Return the memory that the workers take now."""
        with self._lock:
            return sum(_resident_mib(worker.pid) for worker in self._running)

    def _end(self, worker: subprocess.Popen[bytes]) -> None:
        if self._killing:
            worker.kill()
        else:
            worker.terminate()


def _resident_mib(process: int) -> float:
    with suppress(psutil.Error):  # It has just ended.
        return psutil.Process(process).memory_info().rss / 2**20
    return 0.0

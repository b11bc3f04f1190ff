"""Leases of this machine's GPUs, each held by one process, or by as many as are to share it.

The holders lock files for each GPU (flock), which the kernel unlocks when they end, however they
end. A process that wants a GPU to itself takes an exclusive lock; those that share it take a shared
lock, and each locks one place on it. The files lie outside any results folder, since two suites
know nothing of each other.
"""

import errno
import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from benchmark.records.gpus import Gpu, visible_gpus
from benchmark.records.locks import has_flock

RUNS_A_GPU = "RESNET_BENCH_RUNS_A_GPU"
"""Environment variable: how many runs share each GPU."""

GPU_MEMORY = "RESNET_BENCH_GPU_MEMORY_MIB"
"""Environment variable: how much of each GPU's memory a process may take."""

FOLDER = "RESNET_BENCH_LOCKS"
"""Environment variable: the folder of the locks, which all users of the GPUs must share."""

_IN_MEMORY = Path("/dev/shm/resnet-bench-gpus")
"""The folder to use if neither that one nor the temporary folder supports locks."""

POLL_S = 1.0

CONTEXT_MIB = 768
"""GPU memory that CUDA and its libraries take in addition to what TensorFlow manages."""


@contextmanager
def gpus_of_its_own(count: int, waiting: Callable[[], None]) -> Iterator[list[Gpu]]:
    """Hold ``count`` of the GPUs that this process may use, or none if there are none. The process
    sees no others from now on, so call this before TensorFlow is loaded. If they are taken, call
    ``waiting`` once and wait for them. Raises ValueError if there are too few, or if runs share one
    of unknown memory.

    If runs share a GPU (``RUNS_A_GPU``), each has an equal part of its memory.
    """
    there = visible_gpus()
    if not there:
        yield []
        return
    if len(there) < count:
        rule = "numerics.replicas must be at most the GPUs that the run may use"
        raise ValueError(f"{rule}, {len(there)}. Received: {count}")
    runs = int(os.environ.get(RUNS_A_GPU, "1"))
    told = False
    with ExitStack() as held:
        while (found := _taken(held, there, count, runs)) is None:
            if not told:
                waiting()
            told = True
            time.sleep(POLL_S)
        os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(gpu.uuid for gpu in found)
        if runs > 1:
            os.environ[GPU_MEMORY] = str(_memory_mib(found) // runs - CONTEXT_MIB)
        yield found


def _memory_mib(gpus: list[Gpu]) -> int:
    """Return the memory of the smallest GPU."""
    known = [gpu.memory_mib for gpu in gpus if gpu.memory_mib is not None]
    if len(known) < len(gpus):
        rule = "runs can share a GPU only if the driver tells its memory: use fewer jobs"
        raise ValueError(f"{rule}. Received: {', '.join(gpu.name for gpu in gpus)}, without it")
    return min(known)


def gpu_memory_mib() -> int | None:
    """Return how much of each GPU's memory this process may take; None: as much as it needs."""
    part = os.environ.get(GPU_MEMORY)
    return int(part) if part else None


def _taken(held: ExitStack, there: list[Gpu], count: int, runs: int) -> list[Gpu] | None:
    """Return ``count`` GPUs, locked, or None if not so many are free."""
    with ExitStack() as stack:
        found: list[Gpu] = []
        for gpu in there:
            if len(found) < count and (files := _locked(gpu, runs)):
                stack.enter_context(files)
                found.append(gpu)
        if len(found) < count:
            return None
        held.enter_context(stack.pop_all())
        return found


def _locked(gpu: Gpu, runs: int) -> ExitStack | None:
    """Return the locked files that hold a GPU; None if it is taken."""
    with ExitStack() as files:
        if runs == 1:
            held = _lock(files, gpu.uuid, fcntl.LOCK_EX)
        else:
            places = (f"{gpu.uuid}.{runs}.{number}" for number in range(runs))
            held = _lock(files, gpu.uuid, fcntl.LOCK_SH) and any(
                _lock(files, place, fcntl.LOCK_EX) for place in places
            )
        return files.pop_all() if held else None


def _folder() -> Path:
    """Return a folder where flock works; the file system of the temporary folder may lack it."""
    folders = [Path(tempfile.gettempdir()) / "resnet-bench-gpus", _IN_MEMORY]
    if asked := os.environ.get(FOLDER):
        folders.insert(0, Path(asked))
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):  # Another user's, who has let all in.
            folder.chmod(0o777)
        if has_flock(folder):
            return folder
    rule = f"{FOLDER} must name a folder on a file system with flock"
    raise OSError(errno.ENOLCK, rule, str(folders[0]))


def _lock(files: ExitStack, name: str, how: int) -> bool:
    """Lock a file, until ``files`` are closed. Returns whether it was free."""
    path = _folder() / name.replace("/", "_")  # As in MIG-GPU-.../1/0.
    file = files.enter_context(path.open("ab"))
    with suppress(OSError):  # Another user's file.
        path.chmod(0o666)
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

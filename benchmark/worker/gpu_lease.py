"""Which process has a GPU of this machine: one, or as many as are to share it.

A GPU's holders lock files of its own (flock), which the kernel frees when they have ended, however
they ended. One that wants it whole locks it against all; those that share it lock it together, and
a place of it each. The files lie outside of any results folder, since two suites know nothing of
each other.
"""

import errno
import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from benchmark.records.gpus import Gpu, visible_gpus
from benchmark.records.locks import has_flock

RUNS_A_GPU = "RESNET_BENCH_RUNS_A_GPU"
"""The environment's name for how many runs share each GPU."""

GPU_MEMORY = "RESNET_BENCH_GPU_MEMORY_MIB"
"""The environment's name for the memory that a process may take of each GPU."""

FOLDER = "RESNET_BENCH_LOCKS"
"""The environment's name for the folder of the locks, which all users of the GPUs must share."""

_IN_MEMORY = Path("/dev/shm/resnet-bench-gpus")
"""Where neither that folder nor the one of temporary files has locks."""

POLL_S = 1.0

CONTEXT_MIB = 768
"""What CUDA and its libraries take of a GPU beside the memory that TensorFlow manages."""


@contextmanager
def gpus_of_its_own(
    count: int, waiting: Callable[[], None] = lambda: None, poll_s: float = POLL_S
) -> Iterator[list[Gpu]]:
    """``count`` of the GPUs that this process may use, or none where there are none. The process
    sees no others from now on, so this comes before TensorFlow. Where they are taken, it waits for
    them, and calls ``waiting`` once. Raises ValueError where there are too few.

    Where runs share a GPU (``RUNS_A_GPU``), each has an equal part of its memory.
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
            time.sleep(poll_s)
        os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(gpu.uuid for gpu in found)
        if runs > 1:
            part = min(gpu.memory_mib for gpu in found) // runs - CONTEXT_MIB
            os.environ[GPU_MEMORY] = str(part)
        yield found


def gpu_memory_mib() -> int | None:
    """What this process may take of each GPU; None: what it needs."""
    part = os.environ.get(GPU_MEMORY)
    return int(part) if part else None


def _taken(held: ExitStack, there: list[Gpu], count: int, runs: int) -> list[Gpu] | None:
    """All that are wanted, or none."""
    with ExitStack() as stack:
        found: list[Gpu] = []
        for gpu in there:
            if len(found) < count and (files := _locked(gpu, runs)):
                for file in files:
                    stack.enter_context(file)
                found.append(gpu)
        if len(found) < count:
            return None
        held.enter_context(stack.pop_all())
        return found


def _locked(gpu: Gpu, runs: int) -> list[IO[bytes]]:
    """The files that hold it; empty where it is taken."""
    whole = _open(gpu.uuid)
    if not _lock(whole, fcntl.LOCK_EX if runs == 1 else fcntl.LOCK_SH):
        whole.close()
        return []
    if runs == 1:
        return [whole]
    for number in range(runs):
        place = _open(f"{gpu.uuid}.{runs}.{number}")
        if _lock(place, fcntl.LOCK_EX):
            return [whole, place]
        place.close()
    whole.close()
    return []


def _open(name: str) -> IO[bytes]:
    folder = _folder()
    file = (folder / name).open("ab")
    with suppress(OSError):  # Another user's file.
        (folder / name).chmod(0o666)
    return file


def _folder() -> Path:
    """Where flock works: the folder of temporary files may be on a file system without it."""
    folders = [Path(tempfile.gettempdir()) / "resnet-bench-gpus", _IN_MEMORY]
    if asked := os.environ.get(FOLDER):
        folders.insert(0, Path(asked))
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        if has_flock(folder):
            return folder
    rule = f"{FOLDER} must name a folder of a file system with flock"
    raise OSError(errno.ENOLCK, rule, str(folders[0]))


def _lock(file: IO[bytes], how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

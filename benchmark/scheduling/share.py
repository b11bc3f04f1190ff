"""The sharing of a machine among the runs that are trained at once: each has its own cores and
GPUs."""

import math
import os
from collections.abc import Collection
from dataclasses import dataclass
from itertools import cycle, islice

from benchmark.records.gpus import visible_gpus
from benchmark.spec import NumericsSpec
from benchmark.worker.gpu_lease import RUNS_A_GPU
from benchmark.worker.main import CORES


@dataclass(frozen=True)
class Share:
    """A run's share of the machine."""

    cores: tuple[int, ...] = ()
    """Core numbers; empty: all."""
    gpus: tuple[str, ...] | None = None
    """GPU numbers or names; None: all."""
    runs_a_gpu: int = 1
    """Number of runs that share each GPU."""

    def environment(self) -> dict[str, str]:
        """Return the environment variables that tell a worker its share."""
        cores = {CORES: ",".join(map(str, self.cores))} if self.cores else {}
        if self.gpus is None:
            return cores
        gpus = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": ",".join(self.gpus)}
        return cores | gpus | {RUNS_A_GPU: str(self.runs_a_gpu)}


WHOLE = Share()
"""The whole machine."""


def shares(jobs: int, gpus_each: int = 1) -> list[Share]:
    """Return ``jobs`` equal shares of this machine's cores and, if it has any, its GPUs; the
    remainder stays idle. If there are more jobs than GPUs, and each needs only one, several share
    a GPU. Raises ValueError if there are too few cores or GPUs."""
    cores, there = available_cores(), available_gpus()
    if jobs > len(cores):
        raise ValueError(f"jobs must be at most the cores, {len(cores)}. Received: {jobs}")
    if there and gpus_each > 1 and jobs * gpus_each > len(there):
        rule = f"{gpus_each} GPUs must be there for each job; there are {len(there)}"
        raise ValueError(f"{rule}. Received: jobs {jobs}")
    each, in_turn = len(cores) // jobs, cycle(there)
    runs_a_gpu = math.ceil(jobs / len(there)) if there and gpus_each == 1 else 1
    return [
        Share(
            tuple(cores[job * each : (job + 1) * each]),
            tuple(islice(in_turn, gpus_each)) if there else None,
            runs_a_gpu,
        )
        for job in range(jobs)
    ]


def best_jobs(specs: Collection[NumericsSpec]) -> int:
    """Return how many of these runs at once train the most images/s: one for each GPU or, without
    any, for each core (see the speed benchmark's ``a run a core``), as long as each has the GPUs or
    cores that it states. At least 1, and at most the number of runs."""
    gpus, cores = available_gpus(), len(available_cores())
    max_jobs = cores // max((each.threads for each in specs), default=1)
    if gpus:
        max_jobs = min(len(gpus) // max((each.replicas for each in specs), default=1), cores)
    return max(1, min(max_jobs, len(specs)))


def available_cores() -> list[int]:
    """Return the cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


def available_gpus() -> list[str]:
    """Return the NVIDIA GPUs that this process may use, as named in ``CUDA_VISIBLE_DEVICES``, or by
    number."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    there = visible_gpus()
    if named is None:
        return [gpu.index for gpu in there]
    return [name.strip() for name in named.split(",")][: len(there)]

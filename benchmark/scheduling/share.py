"""How a machine is shared by the runs that are trained at once: cores and GPUs of its own for
each."""

import os
from collections.abc import Collection
from dataclasses import dataclass

from benchmark.records.gpus import visible_gpus
from benchmark.spec import NumericsSpec
from benchmark.worker.gpu_lease import RUNS_A_GPU
from benchmark.worker.main import CORES


@dataclass(frozen=True)
class Share:
    """What a run has of the machine."""

    cores: tuple[int, ...] = ()
    """Their numbers; empty: all."""
    gpus: tuple[str, ...] | None = None
    """Their numbers or names; None: all."""
    runs_a_gpu: int = 1
    """That share each of the GPUs."""

    def environment(self) -> dict[str, str]:
        """What tells a worker of its share."""
        cores = {CORES: ",".join(map(str, self.cores))} if self.cores else {}
        if self.gpus is None:
            return cores
        gpus = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": ",".join(self.gpus)}
        return cores | gpus | {RUNS_A_GPU: str(self.runs_a_gpu)}


WHOLE = Share()
"""The whole machine."""


def shares(jobs: int, gpus_each: int = 1) -> list[Share]:
    """As many equal shares of this machine's cores, and of its GPUs, if it has any; what is left
    over stays idle. Of more runs than there are GPUs several share one, if each needs no more than
    that. Raises ValueError where there are too few."""
    cores, there = available_cores(), available_gpus()
    if jobs > len(cores):
        raise ValueError(f"jobs must be at most the cores, {len(cores)}. Received: {jobs}")
    if there and gpus_each == 1 and jobs > len(there):
        return _several_a_gpu(jobs, cores, there)
    if there and jobs * gpus_each > len(there):
        rule = f"{gpus_each} GPUs each must be there for as many jobs; there are {len(there)}"
        raise ValueError(f"{rule}. Received: jobs {jobs}")
    each = len(cores) // jobs
    return [
        Share(
            tuple(cores[job * each : (job + 1) * each]),
            tuple(there[job * gpus_each : (job + 1) * gpus_each]) if there else None,
        )
        for job in range(jobs)
    ]


def _several_a_gpu(jobs: int, cores: list[int], there: list[str]) -> list[Share]:
    """The GPUs in turn."""
    each, runs = len(cores) // jobs, -(-jobs // len(there))
    return [
        Share(tuple(cores[job * each : (job + 1) * each]), (there[job % len(there)],), runs)
        for job in range(jobs)
    ]


def best_jobs(specs: Collection[NumericsSpec]) -> int:
    """How many of these runs at once train the most images/s: one for each GPU or, without any, for
    each core (see the speed benchmark's ``a run a core``), as far as each has the GPUs, or the
    cores, that it states. At least 1, and at most as many as there are runs."""
    gpus, cores = available_gpus(), len(available_cores())
    max_jobs = cores // max((each.threads for each in specs), default=1)
    if gpus:
        max_jobs = min(len(gpus) // max((each.replicas for each in specs), default=1), cores)
    return max(1, min(max_jobs, len(specs)))


def available_cores() -> list[int]:
    """The cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


def available_gpus() -> list[str]:
    """NVIDIA's GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them, or by
    number."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    there = visible_gpus()
    if named is None:
        return [gpu.index for gpu in there]
    return [name.strip() for name in named.split(",")][: len(there)]

"""How a machine is shared by the runs that are trained at once: cores and GPUs of its own for
each."""

import os
import shutil
import subprocess
from collections.abc import Collection
from dataclasses import dataclass

from benchmark.execution.worker import CORES
from benchmark.spec import NumericsSpec


@dataclass(frozen=True)
class Share:
    """What a run has of the machine."""

    cores: tuple[int, ...] = ()
    """Their numbers; empty: all."""
    gpus: tuple[str, ...] | None = None
    """Their numbers or names; None: all."""

    def environment(self) -> dict[str, str]:
        """What tells a worker of its share."""
        cores = {CORES: ",".join(map(str, self.cores))} if self.cores else {}
        gpus = {} if self.gpus is None else {"CUDA_VISIBLE_DEVICES": ",".join(self.gpus)}
        return cores | gpus


WHOLE = Share()
"""The whole machine."""


def shares(jobs: int, gpus_each: int = 1) -> list[Share]:
    """As many equal shares of this machine's cores, and of its GPUs, if it has any; what is left
    over stays idle. Raises ValueError where there are too few."""
    cores, there = available_cores(), available_gpus()
    if jobs > len(cores):
        raise ValueError(f"jobs must be at most the cores, {len(cores)}. Received: {jobs}")
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


def best_jobs(specs: Collection[NumericsSpec]) -> int:
    """How many of these runs at once train the most images/s: one for each GPU or, without any, for
    each core (see the speed benchmark's ``a run a core``), as far as each has the GPUs, or the
    cores, that it states. At least 1, and at most as many as there are runs."""
    gpus, cores = available_gpus(), len(available_cores())
    most = cores // max((each.threads for each in specs), default=1)
    if gpus:
        most = min(len(gpus) // max((each.replicas for each in specs), default=1), cores)
    return max(1, min(most, len(specs)))


def available_cores() -> list[int]:
    """The cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


def available_gpus() -> list[str]:
    """NVIDIA's GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them. TensorFlow
    is not asked, since it would take hold of them."""
    if not shutil.which("nvidia-smi"):
        return []
    query = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    done = subprocess.run(query, capture_output=True, text=True, check=False)
    there = done.stdout.split() if done.returncode == 0 else []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return there
    named = [name.strip() for name in visible.split(",")]
    return [name for name in named if there and name not in ("", "-1")]

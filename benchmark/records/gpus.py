"""NVIDIA GPUs of this machine, as reported by the driver. TensorFlow is not asked, since it would
claim them."""

import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

_QUERY = ("index", "uuid", "name", "driver_version", "compute_cap", "memory.total")

LIBRARIES = ("cuda-runtime", "cublas", "cudnn", "nccl")
"""CUDA libraries that may be installed as Python packages, such as ``nvidia-cudnn-cu12``."""


@dataclass(frozen=True)
class Gpu:
    """A GPU."""

    index: str
    """Number in PCI bus order."""
    uuid: str
    name: str
    driver: str
    compute_capability: str
    memory_mib: int | None
    """None if the driver does not tell: memory shared with the CPU, or a MIG slice."""


def visible_gpus() -> list[Gpu]:
    """Return the GPUs that this process may use, according to ``CUDA_VISIBLE_DEVICES``."""
    there = _all()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return there
    found = []
    for name in (each.strip() for each in visible.split(",")):
        if name.startswith("MIG-") and there:  # nvidia-smi's table has no slices.
            whole = f"{there[0].name}, MIG slice"
            found.append(replace(there[0], index=name, uuid=name, name=whole, memory_mib=None))
            continue
        gpu = next((gpu for gpu in there if _is(gpu, name)), None)
        if gpu is None:  # CUDA ignores the rest of the list too.
            break
        found.append(gpu)
    return found


def gpus_told() -> dict[str, Any]:
    """Return the GPU part of a run's provenance; empty without a GPU."""
    there = visible_gpus()
    if not there:
        return {}
    return {
        "gpus": [gpu.name for gpu in there],
        "driver": there[0].driver,
        "compute_capability": sorted({gpu.compute_capability for gpu in there}),
        "cuda": _libraries(),
        "mps": mps_runs(),
    }


def mps_runs() -> bool:
    """Return whether CUDA's Multi-Process Service is running to share a GPU among processes."""
    pipes = os.environ.get("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps")
    return (Path(pipes) / "control").exists()


def _is(gpu: Gpu, name: str) -> bool:
    return name == gpu.index or (name.startswith("GPU-") and gpu.uuid.startswith(name))


def _all() -> list[Gpu]:
    if not shutil.which("nvidia-smi"):
        return []
    query = ["nvidia-smi", f"--query-gpu={','.join(_QUERY)}", "--format=csv,noheader,nounits"]
    done = subprocess.run(query, capture_output=True, text=True, check=False)
    if done.returncode:
        return []
    lines = [[cell.strip() for cell in line.split(",")] for line in done.stdout.splitlines()]
    rows = (cells for cells in lines if len(cells) == len(_QUERY))
    return [
        Gpu(index, uuid, name, driver, capability, int(memory) if memory.isdecimal() else None)
        for index, uuid, name, driver, capability, memory in rows  # "[N/A]" if it is not told.
    ]


def _libraries() -> dict[str, str]:
    found = {}
    for each in metadata.distributions():
        name = (each.metadata["Name"] or "").lower().replace("_", "-")
        if name.startswith(tuple(f"nvidia-{library}" for library in LIBRARIES)):
            found[name] = each.version
    return dict(sorted(found.items()))

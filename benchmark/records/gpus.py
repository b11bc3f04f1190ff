"""NVIDIA's GPUs of this machine, as their driver tells. TensorFlow is not asked, since it would
take hold of them."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

_QUERY = ("index", "uuid", "name", "driver_version", "compute_cap", "memory.total")

LIBRARIES = ("cuda-runtime", "cublas", "cudnn", "nccl")
"""Of CUDA, as far as they are Python packages: ``nvidia-cudnn-cu12`` and their like."""


@dataclass(frozen=True)
class Gpu:
    """One of them."""

    index: str
    """Its number, in the order of the PCI bus."""
    uuid: str
    name: str
    driver: str
    compute_capability: str
    memory_mib: int


def visible_gpus() -> list[Gpu]:
    """Those that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    there = _all()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return there
    found = []
    for name in (each.strip() for each in visible.split(",")):
        gpu = next((gpu for gpu in there if _is(gpu, name)), None)
        if gpu is None:  # CUDA, too, sees none from there on.
            break
        found.append(gpu)
    return found


def gpus_told() -> dict[str, Any]:
    """For a run's provenance: empty without a GPU."""
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
    """Whether CUDA's Multi-Process Service takes the work of several processes together."""
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
    rows = [[cell.strip() for cell in line.split(",")] for line in done.stdout.splitlines()]
    return [
        Gpu(index, uuid, name, driver, capability, int(memory))
        for index, uuid, name, driver, capability, memory in rows
    ]


def _libraries() -> dict[str, str]:
    found = {}
    for each in metadata.distributions():
        name = (each.metadata["Name"] or "").lower().replace("_", "-")
        if name.startswith(tuple(f"nvidia-{library}" for library in LIBRARIES)):
            found[name] = each.version
    return dict(sorted(found.items()))

"""A run's provenance: code, versions and machine, without names of people, hosts or folders."""

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmark.records.gpus import gpus_told

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("resnet-bench", "tensorflow", "keras", "numpy", "tensorflow-datasets", "mlflow")

FLAGS = (
    "TF_ENABLE_ONEDNN_OPTS",
    "ONEDNN_MAX_CPU_ISA",
    "TF_XLA_FLAGS",
    "XLA_FLAGS",
    "OMP_NUM_THREADS",
    "NVIDIA_TF32_OVERRIDE",
    "TF_DETERMINISTIC_OPS",
    "GLIBC_TUNABLES",  # Which variants of its functions the C library uses.
    "RESNET_BENCH_GPU_MEMORY_MIB",  # Which algorithms have enough workspace.
)
FLAGS_OF = ("TF_CUDNN_", "TF_GPU_", "NCCL_", "CUDNN_", "CUBLAS_", "NPY_", "OPENBLAS_")
"""Environment variables that can change bits, by name and by prefix. ``worker.environment``
keeps few of them."""

HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""What workers are given, and what is no flag, as bits stay: glibc (2.35 or later) then asks for
huge pages, which Linux gives if ``/sys/kernel/mm/transparent_hugepage/enabled`` is ``madvise``."""

PRELOADED = "LD_PRELOAD"
"""Libraries that replace others; recorded without their folders."""


def provenance() -> dict[str, Any]:
    """Return the code, versions and machine of this process."""
    changes = _git("status", "--porcelain", "--untracked-files=all", "--", "benchmark")
    return {
        "git_commit": _git("rev-parse", "HEAD"),
        "git_dirty": None if changes is None else bool(changes),  # The code only; new files count.
        "python": platform.python_version(),
        "versions": {package: _version(package) for package in PACKAGES},
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "flags": _flags(),
        **gpus_told(),
    }


def machine_line(made: dict[str, Any]) -> str:
    """Return a provenance in one line."""
    versions = ", ".join(
        f"{name} {version}" for name, version in made["versions"].items() if version
    )
    gpus = f"{', '.join(made['gpus'])}; " if made.get("gpus") else ""
    return (
        f"{gpus}{made['processor']}, {made['cores']} cores, {made['memory_gib']} GiB; "
        f"Python {made['python']}; {versions}; commit {(made['git_commit'] or 'unknown')[:12]}"
        f"{' with uncommitted changes' if made['git_dirty'] else ''}"
    )


def _flags() -> dict[str, str]:
    told = {
        name: value
        for name, value in os.environ.items()
        if name in FLAGS or name.startswith(FLAGS_OF)
        if (name, value) not in HUGE_PAGES.items()
    }
    if preloaded := os.environ.get(PRELOADED, "").replace(":", " ").split():
        told[PRELOADED] = " ".join(Path(library).name for library in preloaded)
    return dict(sorted(told.items()))


def _git(*command: str) -> str | None:
    """Return git's output for the project's own checkout; None outside of one."""
    if not (PROJECT / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(PROJECT), *command], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    fields = {}
    for line in lines:
        name, _, value = line.partition(":")
        fields[name.strip()] = value.strip()
    flags = fields.get("flags", "").split()
    vector = [f for f in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if f in flags]
    return " ".join([fields.get("model name", platform.processor()), *vector])

"""Why a run failed: its kind, and a reason in one line."""

import signal
from pathlib import Path

from benchmark.data.images import DataError
from benchmark.events import Event
from benchmark.records.problems import RecordsError, is_disk_full, one_line

OUT_OF_MEMORY, KILLED, DISK_FULL = "out of memory", "killed", "disk full"
DATA, MODEL, OTHER = "unreadable data", "model not built", "error"
"""The kinds of failure."""

WAITING, LOADING, BUILDING = "waiting for a GPU", "loading the images", "building the net"
"""The phases of a worker before training."""

_BY_PHASE = {LOADING: DATA, BUILDING: MODEL}


def of_error(error: BaseException, phase: str = "") -> Event:
    """Return an event with ``failure`` (a kind) and ``reason``. ``phase``: the worker's phase."""
    kind = OTHER if isinstance(error, RecordsError) else _BY_PHASE.get(phase, OTHER)
    if is_disk_full(error):
        kind = DISK_FULL
    elif isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        kind = OUT_OF_MEMORY
    elif isinstance(error, DataError):
        kind = DATA
    return {"failure": kind, "reason": one_line(error)}


def of_exit(code: int, log: bytes, oom_kills_before: int) -> Event:
    """Return the failure of a worker that ended without an event: by a signal, or with ``log`` as
    its last output."""
    lines = [line for line in log.decode(errors="replace").splitlines() if line.strip()]
    last = lines[-1].strip()[:500] if lines else ""
    if code == -signal.SIGKILL:
        if oom_kills() > oom_kills_before:
            return {"failure": OUT_OF_MEMORY, "reason": "the kernel killed it"}
        return {"failure": KILLED, "reason": "by SIGKILL"}
    if code < 0:
        return {"failure": KILLED, "reason": f"by {_name(-code)}{last and f', after: {last}'}"}
    return {"failure": OTHER, "reason": last or f"exit code {code}"}


def oom_kills() -> int:
    """Return how many processes the kernel has killed for lack of memory (Linux; elsewhere 0)."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

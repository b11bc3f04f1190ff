"""Why a run failed: its kind, one of ``KINDS``, and a reason in one line."""

import errno
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.data.images import DataError
from benchmark.records.problems import RecordsError, one_line

OUT_OF_MEMORY, KILLED, DISK_FULL = "out of memory", "killed", "disk full"
DATA, MODEL, OTHER = "unreadable data", "model not built", "error"
KINDS = (OUT_OF_MEMORY, KILLED, DISK_FULL, DATA, MODEL, OTHER)

Failure = Mapping[str, str]
"""``failure``, a kind, and ``reason``."""


def of_error(error: BaseException, *, building: bool = False) -> Failure:
    """Of what was raised. ``building``: while the net was built."""
    kind = MODEL if building and not isinstance(error, OSError | RecordsError) else OTHER
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        kind = DISK_FULL
    elif isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        kind = OUT_OF_MEMORY
    elif isinstance(error, DataError):
        kind = DATA
    return {"failure": kind, "reason": one_line(error)}


def of_exit(code: int, log: bytes, oom_kills_before: int) -> Failure:
    """Of a worker that ended without saying why: by a signal, or with ``log`` as its last words."""
    if code < 0:
        name = signal.Signals(-code).name
        if name == "SIGKILL" and oom_kills() > oom_kills_before:
            return {"failure": OUT_OF_MEMORY, "reason": "the kernel killed it"}
        return {"failure": KILLED, "reason": f"by {name}"}
    lines = [line for line in log.decode(errors="replace").splitlines() if line.strip()]
    reason = lines[-1].strip()[:500] if lines else f"exit code {code}"
    return {"failure": OTHER, "reason": reason}


def oom_kills() -> int:
    """How many processes the kernel has killed for want of memory (Linux; elsewhere 0)."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def event_of(failure: Failure) -> dict[str, Any]:
    """What a worker says of it."""
    return {"event": "failed", **failure}

"""A time limit."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

LEFT_S = 20
"""Seconds of a budget that are kept for the last checkpoint and the report."""


@contextmanager
def ended_after(seconds: float) -> Iterator[None]:
    """Act as if Ctrl-C were pressed shortly before this many seconds are over; 0: never. Works
    only in a process's main thread."""
    if not seconds:
        yield
        return
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, max(seconds - LEFT_S, 1))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)

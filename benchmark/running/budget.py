"""A limit on how long something takes."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

LEFT_S = 20
"""Of a budget, for the last checkpoint and the report."""


@contextmanager
def ended_after(seconds: float) -> Iterator[None]:
    """As if Ctrl-C were pressed a little before so many seconds are over; never with 0. In a
    process's main thread alone."""
    if not seconds:
        yield
        return
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, max(seconds - LEFT_S, 1))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)

"""The option ``--budget``: how long a command may take."""

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from benchmark.commands.terminal import fail

_LEFT_S = 20
"""Of a budget, for the last checkpoint and the report."""


def seconds_of(budget: str) -> int:
    """Of a text like ``1h30m``; where it is none, or too short, the command ends and says so."""
    found = re.fullmatch(r"(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?", budget)
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    total = 3600 * hours + 60 * minutes + seconds
    if total <= _LEFT_S:
        fail(f"budget must be like 2h, 90m or 1h30m, above {_LEFT_S} s. Received: {budget}")
    return total


@contextmanager
def ended_after(seconds: int) -> Iterator[None]:
    """As if Ctrl-C were pressed a little before so many seconds are over; never with 0."""
    if not seconds:
        yield
        return
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, seconds - _LEFT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)

"""The option ``--budget``: how long a command may take."""

import re

from benchmark.commands.terminal import fail
from benchmark.running.budget import LEFT_S


def seconds_of(budget: str) -> int:
    """Parse a text like ``1h30m``. If it is invalid or too short, end the command with an error."""
    found = re.fullmatch(r"(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?", budget)
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    total = 3600 * hours + 60 * minutes + seconds
    if total <= LEFT_S:
        fail(f"budget must be like 2h, 90m or 1h30m, above {LEFT_S} s. Received: {budget}")
    return total

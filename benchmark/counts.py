"""Numbers for sentences: ``1 run``, ``12 runs``, ``2 h 05 min``."""


def counted(number: int, one: str, several: str = "") -> str:
    """Return the number and its noun. ``several``: the plural; by default ``one`` with an s."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def duration(seconds: float) -> str:
    """Return hours and minutes, or, below an hour, minutes and seconds."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"

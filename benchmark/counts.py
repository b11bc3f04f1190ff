"""A number with its noun, for sentences: ``1 run``, ``12 runs``."""


def counted(number: int, one: str, several: str = "") -> str:
    """Return the number and its noun. ``several``: the plural; by default ``one`` with an s."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"

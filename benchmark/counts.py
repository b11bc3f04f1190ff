"""A number with its noun, for sentences: ``1 run``, ``12 runs``."""


def counted(number: int, one: str, several: str = "") -> str:
    """``several``: in the place of ``one`` where the number is not 1; by default with an s."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"

"""How an image is looked at when it is tested, by name: ``ten-crop-256``."""

import re
from typing import NamedTuple

KINDS = ("center-crop", "ten-crop", "multi-scale")

_NAME = re.compile(rf"({'|'.join(KINDS)})((?:-[1-9][0-9]{{0,4}})*)")


class ProtocolName(NamedTuple):
    """A protocol without its crop, which is the net's."""

    kind: str
    """``center-crop``, ``ten-crop`` (tables 2 and 3) or ``multi-scale`` (tables 4 and 5)."""
    sides: tuple[int, ...]
    """To which the image's shorter side is scaled, in pixels; where there is none, the usual."""

    @classmethod
    def of(cls, text: str) -> "ProtocolName":
        """Raises ValueError."""
        found = _NAME.fullmatch(text)
        kind, sides = found.groups() if found else ("", "")
        numbers = tuple(map(int, sides.split("-")[1:]))
        if not found or (kind != "multi-scale" and len(numbers) > 1):
            rule = "must be center-crop or ten-crop, with a shorter side in pixels (ten-crop-256) "
            rule += "or without, or multi-scale, with any number of them"
            raise ValueError(f"protocol {rule}. Received: {text}")
        return cls(kind, numbers)

    def __str__(self) -> str:
        return "-".join((self.kind, *map(str, self.sides)))

"""The names of test protocols, such as ``ten-crop-256``."""

import re
from typing import NamedTuple

GLOBAL, SLIDING = "multi-scale", "multi-scale-sliding"
"""The two ways to make a ResNet fully convolutional. The paper does not say which."""

KINDS = ("center-crop", "ten-crop", GLOBAL, SLIDING)

_NAME = re.compile(rf"({'|'.join(KINDS)})((?:-[1-9][0-9]{{0,4}})*)")


class ProtocolName(NamedTuple):
    """A protocol without its crop, whose size is the net's."""

    kind: str
    """``center-crop``, ``ten-crop`` (tables 2 and 3) or, of whole images (tables 4 and 5):
    ``multi-scale``, the classifier on the mean over the whole feature map, or
    ``multi-scale-sliding``, the classifier slid over the map, and its scores averaged."""
    sides: tuple[int, ...]
    """Lengths to which the image's shorter side is scaled, in pixels; if empty, the usual ones."""

    @classmethod
    def of(cls, text: str) -> "ProtocolName":
        """Parse a name. Raises ValueError."""
        found = _NAME.fullmatch(text)
        kind, sides = found.groups() if found else ("", "")
        numbers = tuple(map(int, sides.split("-")[1:]))
        if not found or (kind not in (GLOBAL, SLIDING) and len(numbers) > 1):
            rule = "must be center-crop or ten-crop, with a shorter side in pixels (ten-crop-256) "
            rule += f"or without, or {GLOBAL} or {SLIDING}, with any number of sides"
            raise ValueError(f"protocol {rule}. Received: {text}")
        return cls(kind, numbers)

    def fits(self, crop: int) -> bool:
        """Return whether a net's crops, ``crop`` pixels wide and high, lie within the images."""
        return self.kind in (GLOBAL, SLIDING) or not self.sides or self.sides[0] >= crop

    def __str__(self) -> str:
        return "-".join((self.kind, *map(str, self.sides)))

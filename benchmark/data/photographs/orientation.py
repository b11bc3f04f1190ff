"""The orientation that a camera recorded in a file (EXIF), which is ignored here: pixels are used
as stored."""

import io

from PIL import ExifTags, Image

_TURNS = {
    2: "mirrored",
    3: "turned by 180 degrees",
    4: "upside down and mirrored",
    5: "turned by 90 degrees and mirrored",
    6: "turned by 90 degrees",
    7: "turned by 270 degrees and mirrored",
    8: "turned by 270 degrees",
}
"""EXIF's number of an orientation -> how the image should be displayed, clockwise."""


QUARTER_TURNS = tuple(_TURNS[number] for number in (5, 6, 7, 8))
"""The orientations that swap height and width."""


def turn_noted(encoded: bytes) -> str:
    """Return how an image should be displayed; empty if as stored, or if not recorded."""
    try:
        with Image.open(io.BytesIO(encoded), formats=("JPEG", "PNG")) as image:
            return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1), "")
    except Exception:  # From damaged metadata; the pixels were decoded before.
        return ""

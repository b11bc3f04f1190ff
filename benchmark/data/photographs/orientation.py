"""The orientation that a camera noted in a file (EXIF). It is ignored here: pixels are used as they
are stored."""

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
"""EXIF's orientation number -> how to show the image, clockwise."""


QUARTER_TURNS = tuple(_TURNS[number] for number in (5, 6, 7, 8))
"""Orientations that swap height and width."""


def turn_noted(encoded: bytes) -> str:
    """Return how to show the image; empty if that is as stored, or not noted."""
    try:
        with Image.open(io.BytesIO(encoded), formats=("JPEG", "PNG")) as image:
            return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1), "")
    except Exception:  # From damaged notes; the pixels were already decoded.
        return ""

"""The orientation that a camera noted in a file (EXIF), which is left alone here: pixels are taken
as they are stored."""

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
"""EXIF's number of an orientation -> how the image is to be shown, clockwise."""


QUARTER_TURNS = tuple(_TURNS[number] for number in (5, 6, 7, 8))
"""Those that change height and width for each other."""


def turn_noted(encoded: bytes) -> str:
    """How it is to be shown; empty where that is as it is stored, or is not told."""
    try:
        with Image.open(io.BytesIO(encoded), formats=("JPEG", "PNG")) as image:
            return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1), "")
    except Exception:  # Of notes that are damaged; the pixels were decoded before.
        return ""

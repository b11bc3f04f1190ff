"""Identify a file by its first bytes, for messages about a file that is not as expected."""

from pathlib import Path

_LFS = b"version https://git-lfs.github.com/spec/"

_BEGINNINGS = (
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"PK\x03\x04", "a zip archive (such as PyTorch's .pth and NumPy's .npz)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x93NUMPY", "a NumPy array (.npy)"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (such as Keras's .h5)"),
    (b"\x80\x02", "a file of pickled objects"),
    (b"\x80\x04", "a file of pickled objects"),
    (b"\x80\x05", "a file of pickled objects"),
    (b"%PDF", "a PDF file"),
    (b"<svg", "an SVG image"),
)

_IMAGES = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*", b"<svg"),
    *(b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51", b"\0\0\0\x0cJXL ", b"qoif", b"8BPS", b"v/1\x01"),
)

_HEIF = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis")

NEEDED = 512
"""Number of bytes, from the start of the file, that are inspected."""


def told(content: bytes, size: int | None = None) -> str:
    """Describe it briefly: ``a Git LFS pointer of 130 bytes``, ``0 bytes``, ``begins with GIF89a``.
    ``size``: in bytes, if ``content`` is only the beginning."""
    size = len(content) if size is None else size
    if not size:
        return "0 bytes"
    for begins, what in _BEGINNINGS:
        if content.startswith(begins):
            return f"{what} of {size:,} bytes"
    if content.startswith(_LFS):
        return f"a Git LFS pointer of {size:,} bytes (git lfs pull fetches the file itself)"
    if not any(content[:NEEDED]):
        return f"{size:,} bytes that begin with zeros"
    text = content[:NEEDED].lstrip(b"\xef\xbb\xbf \t\r\n")[:20].lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return f"an HTML page of {size:,} bytes"
    if text.startswith((b"<?xml", b"<error")):
        return f"an XML text of {size:,} bytes"
    first = content[:16].split(b"\n")[0]
    shown = "".join(chr(each) if 32 <= each < 127 else f"\\x{each:02x}" for each in first[:8])
    if first[:6] in (b"GIF87a", b"GIF89a"):
        shown = first[:6].decode()
    return f"begins with {shown} ({size:,} bytes)"


def told_of(file: Path) -> str:
    """Describe a file in the same way. Raises OSError."""
    if file.is_dir():
        return "a folder"
    with file.open("rb") as opened:
        return told(opened.read(NEEDED), file.stat().st_size)


def of_unreadable(error: Exception, *files: Path) -> str:
    """Explain an error in reading files: name the missing one, or describe what they are. Advice
    from NumPy and PyTorch to unpickle what they cannot read is never passed on."""
    for file in files:
        if not file.exists():
            return f"no {file.name}"
    text = (str(error).strip().splitlines() or [""])[0][:200]
    why = "it holds Python objects" if "pickle" in text.lower() else text
    found = ", ".join(f"{file.name}: {told_of(file)}" for file in files)
    return f"{found} ({why})"


def is_image(content: bytes) -> bool:
    """Return whether the first bytes are those of an image, in any format."""
    if content.startswith(_IMAGES):
        return True
    if content[:2] == b"BM" and content[6:10] == bytes(4):
        return True
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return True
    if content[:1] == b"P" and content[1:2] in b"1234567" and content[2:3].isspace():
        return True  # Netpbm.
    return content[4:8] == b"ftyp" and content[8:12] in _HEIF

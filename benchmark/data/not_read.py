"""The files in a data set's folders that are not read: each is either counted or refused."""

import os
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path

from benchmark.data.contents import NEEDED, is_image
from benchmark.data.images import DataError

READ = (".jpg", ".jpeg", ".png")
"""Suffixes of the images that are read, in any case."""

HIDDEN = "hidden"
"""Files left behind by systems, and files whose name, or a folder's, begins with a dot."""

NO_SUFFIX = "without a suffix"

_LEFT_BEHIND = ("thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r", "__macosx")

_OTHER_IMAGES = (
    "apng", "arw", "avif", "bmp", "cr2", "cr3", "cur", "dcm", "dds", "dib", "dng", "emf", "exr",
    "fits", "gif", "hdr", "heic", "heif", "hif", "icns", "ico", "j2c", "j2k", "jfif", "jif", "jls",
    "jp2", "jpc", "jpe", "jpf", "jpx", "jxl", "jxr", "mpo", "msp", "nef", "orf", "pbm", "pcd",
    "pcx", "pfm", "pgm", "pnm", "ppm", "psd", "pxr", "qoi", "raf", "ras", "raw", "rgb", "rgba",
    "rw2", "sgi", "svg", "svgz", "tga", "tif", "tiff", "vst", "wbmp", "webp", "wmf", "xbm", "xpm",
)  # fmt: skip
"""Suffixes of images in formats that are not read."""

Counts = Mapping[str, int]
"""Kind (``.txt``, ``hidden``) -> number of files."""


def files_below(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder, including hidden ones and those behind links, in no
    particular order. Raises DataError for anything unreadable, a broken or circular link, and
    anything that is neither a file nor a folder."""
    yield from _below(folder, frozenset(), strict=True)


def counted_below(folder: Path, root: Path, but: Container[Path] = frozenset()) -> Counter[str]:
    """Count the files below a folder by kind, except ``but``; unreadable folders are left out."""
    found = (path for path in _below(folder, frozenset(), strict=False) if path not in but)
    return Counter(kind(path, root) for path in found)


def _below(folder: Path, above: frozenset[tuple[int, int]], *, strict: bool) -> Iterator[Path]:
    try:
        about = folder.stat()
        entries = list(os.scandir(folder))
    except OSError as error:
        if strict:
            raise DataError(f"{folder} must be readable. Received: {error.strerror}") from error
        return
    here = about.st_dev, about.st_ino
    if here in above:
        if strict:
            raise DataError(f"{folder} must not link back to a folder that contains it")
        return
    for entry in entries:
        path = Path(entry.path)
        if entry.is_dir():
            yield from _below(path, above | {here}, strict=strict)
        elif entry.is_file() or is_hidden(path, folder) or not strict:
            yield path
        elif entry.is_symlink():
            received = f"a link to {path.readlink()}"
            raise DataError(f"{path} must lead to a file. Received: {received}")
        else:
            raise DataError(f"{path} must be a file or a folder. Received: neither")


def is_hidden(path: Path, folder: Path) -> bool:
    """Return whether a path below a folder is hidden or was left behind by a system."""
    parts = path.relative_to(folder).parts
    return any(part[0] == "." or part.lower() in _LEFT_BEHIND for part in parts)


def images_among(files: Iterable[Path], folder: Path, counted: Counter[str]) -> list[Path]:
    """Return the images to be read, of files below a folder, in the order of their paths; count
    the others by kind. Raises DataError, which names the file, for an image in another format or
    with a wrong suffix."""
    found = []
    for path in files:
        own = kind(path, folder)
        if own in READ:
            found.append(path)
        else:
            if own != HIDDEN:
                require_no_image(path)
            counted[own] += 1
    return sorted(found, key=lambda path: path.parts)


def kind(path: Path, folder: Path) -> str:
    """Return the kind, such as ``.txt``, of a file below a folder."""
    return HIDDEN if is_hidden(path, folder) else path.suffix.lower() or NO_SUFFIX


def require_no_image(path: Path) -> None:
    """Raise DataError if a file that would not be read is an image after all, by its name or its
    first bytes."""
    rule = f"{path} must be a JPEG or PNG file whose name ends with {', '.join(READ)}"
    if path.suffix.lower().removeprefix(".") in _OTHER_IMAGES:
        raise DataError(f"{rule}. Received: {path.suffix}")
    try:
        with path.open("rb") as file:
            content = file.read(NEEDED)
    except OSError as error:
        raise DataError(f"{path} must be readable. Received: {error.strerror}") from error
    if is_image(content):
        received = path.suffix or "no suffix"
        raise DataError(f"{rule}. Received: {received}, and the content of an image")


def told(counts: Counts) -> str:
    """Return ``12 .txt, 3 hidden``: the most frequent first."""
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    shown = ", ".join(f"{number:,} {kind}" for kind, number in rows[:10])
    rest = sum(number for _, number in rows[10:])
    return f"{shown} and {rest:,} others" if rest else shown

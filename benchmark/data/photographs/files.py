"""Read and decode many image files, each once."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from benchmark.data.images import DataError

_READERS, _AT_ONCE = 16, 1024

Wanted = TypeVar("Wanted")
Found = TypeVar("Found")


def in_threads(read: Callable[[Wanted], Found], wanted: Sequence[Wanted]) -> Iterator[Found]:
    """Yield ``read`` of each, in order; at most ``_AT_ONCE`` results wait to be consumed."""
    with ThreadPoolExecutor(_READERS) as readers:
        for start in range(0, len(wanted), _AT_ONCE):
            yield from readers.map(read, wanted[start : start + _AT_ONCE])


def checked_content(path: Path) -> bytes:
    """Return an image file's content, which decodes to its end. Raises DataError with its name."""
    from benchmark.data.photographs.decode import check

    try:
        content = path.read_bytes()
        check(content)
    except OSError as error:
        raise DataError(f"{path} must be readable. Received: {error.strerror}") from error
    except DataError as error:
        raise DataError(f"{path} {error}") from error
    return content

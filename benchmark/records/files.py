"""Files that are whole or not there, and JSON that every reader takes."""

import json
import math
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmark.records.problems import DiskFullError, RecordsError, is_disk_full, one_line


def write_json(path: Path, data: Any) -> None:
    """Write aside, flush to the disk, rename."""
    write_text(path, json.dumps(finite(data), indent=2, sort_keys=True, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write aside, flush to the disk, rename."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write aside, flush to the disk, rename. Raises DiskFullError, or another OSError, with the
    file as it was before."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.aside")
        try:
            write_through(aside, data)
            aside.replace(path)
        except OSError:
            aside.unlink(missing_ok=True)
            raise
        flush_folder(path.parent)


def write_through(path: Path, data: bytes) -> None:
    """Write a file, and flush it to the disk."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Have the names in a folder reach the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def named(aside: Path, file: Path) -> bool:
    """Give a file its name, if no other has it: of machines that do so at once, one succeeds."""
    try:
        os.link(aside, file)
    except FileExistsError:
        return False
    except FileNotFoundError:
        raise
    except OSError:  # A file system without links.
        with suppress(FileExistsError), file.open("x") as made:
            made.write(aside.read_text())
            return True
        return False
    return True


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raises DiskFullError, which names ``path``, for a disk or a quota that is full."""
    try:
        yield
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise DiskFullError(error.errno, error.strerror, str(path)) from error


def read_json(path: Path) -> Any:
    """The data of a JSON file; None where there is no file. Raises RecordsError."""
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise RecordsError(f"{path} must be whole JSON. Received: {one_line(error)}") from error


def finite(data: Any) -> Any:
    """The data with None for each number that is not finite, which JSON cannot hold."""
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, dict):
        return {key: finite(value) for key, value in data.items()}
    return [finite(value) for value in data] if isinstance(data, list | tuple) else data

"""Atomic file writes, and JSON that any reader accepts."""

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
    """Write data as JSON to a temporary file, flush it to disk and rename it."""
    write_text(path, json_text(data))


def json_text(data: Any) -> str:
    """Return data as the text of a record's file."""
    return json.dumps(finite(data), indent=2, sort_keys=True, allow_nan=False) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text to a temporary file, flush it to disk and rename it."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write to a temporary file, flush it to disk and rename it. Raises DiskFullError, or another
    OSError, and leaves the file as it was."""
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
    """Write a file and flush it to disk."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Flush the names in a folder to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def named(aside: Path, file: Path) -> bool:
    """Give a file its name unless the name is taken. If machines try at once, one succeeds."""
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
    """Raise DiskFullError, which names ``path``, if a disk or a quota is full."""
    try:
        yield
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise DiskFullError(error.errno, error.strerror, str(path)) from error


def read_json(path: Path) -> Any:
    """Return the data of a JSON file; None if there is no file. Raises RecordsError for others."""
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise RecordsError(f"{path} must be whole JSON. Received: {one_line(error)}") from error


def finite(data: Any) -> Any:
    """Return the data with None in place of non-finite numbers, which JSON cannot hold."""
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, dict):
        return {key: finite(value) for key, value in data.items()}
    return [finite(value) for value in data] if isinstance(data, list | tuple) else data

"""Files that are whole or not there, and JSON that every reader takes."""

import json
import math
import os
from pathlib import Path
from typing import Any

from benchmark.records.problems import RecordsError, one_line


def write_json(path: Path, data: Any) -> None:
    """Write aside, flush to the disk, rename."""
    write_text(path, json.dumps(finite(data), indent=2, sort_keys=True, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write aside, flush to the disk, rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with aside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


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

"""The commands to type to see the records of a suite."""

import os
import shlex
from collections.abc import Iterable
from pathlib import Path


def words(option: str, values: Iterable[object] | None) -> list[str]:
    """Return an option as typed, once for each value that is not None."""
    return [word for value in values or () if value is not None for word in (option, str(value))]


def words_of_records(results: Path, tracking_uri: str | None) -> list[str]:
    """Return the options that locate the records. A tracking URI from the environment is left
    out: it will be set there again, and may hold a password."""
    told = tracking_uri != os.environ.get("MLFLOW_TRACKING_URI")
    return [
        *words("--results", [results]),
        *words("--tracking-uri", [tracking_uri] if told else []),
    ]


def ui_command(results: Path, tracking_uri: str | None) -> str:
    """Return the command that shows the runs in a browser."""
    return shlex.join(["resnet-bench", "ui", *words_of_records(results, tracking_uri)])

"""The note on why a suite's runs are not in MLflow, until ``sync`` puts them there."""

from importlib.util import find_spec
from pathlib import Path

from benchmark.records.files import read_json, write_json

OFF, MISSING = "switched off (--no-mlflow)", "not installed"
"""Why."""

_FILE = "unmirrored.json"
_NEEDED = ("mlflow", "sqlalchemy")


def why_unmirrored(*, off: bool) -> str | None:
    """Return why training here has no mirror; None if it has one."""
    if off:
        return OFF
    return MISSING if any(_is_missing(name) for name in _NEEDED) else None


def note(suite: Path, why: str | None) -> None:
    """Write the reason to a suite's folder or, with None, delete it."""
    if why is None:
        (suite / _FILE).unlink(missing_ok=True)
    else:
        write_json(suite / _FILE, {"mlflow": why})


def noted(suite: Path) -> str | None:
    """Return the reason in a suite's folder, if any."""
    return (read_json(suite / _FILE) or {}).get("mlflow")


def _is_missing(name: str) -> bool:
    try:
        return find_spec(name) is None
    except (ImportError, ValueError):  # It is there in name only.
        return True

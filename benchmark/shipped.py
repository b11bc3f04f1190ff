"""The suites and reference records that come with the package.

A clone has them at its top level, in ``suites/`` and ``results/reference/``; a wheel holds copies
inside the package, in ``benchmark/suites/`` and ``benchmark/reference/``.
"""

from difflib import get_close_matches
from pathlib import Path

from benchmark.problems import InputError

_PACKAGE = Path(__file__).resolve().parent

STARTER = _PACKAGE / "starter"
"""The folder with a suite to start from and instructions to run it."""


def suites_folder() -> Path:
    """Return the folder of the suites that come with the package."""
    return _of_clone("suites") or _PACKAGE / "suites"


def shipped_reference() -> Path:
    """Return the folder of the reference records that come with the package."""
    return _of_clone("results/reference") or _PACKAGE / "reference"


def suite_file(named: Path) -> Path:
    """Return a suite's file: the one at that path, or else the one of that name (``quickstart``,
    ``short/figure6``) in the package. Raises InputError if there is neither."""
    if named.exists():
        return named
    shipped = suites_folder() / f"{named}.yaml"
    if not shipped.is_file():
        rule = "suite must be a YAML file, or the name of one that `resnet-bench list` shows"
        meant = get_close_matches(str(named), _names(), 1)
        hint = f" (did you mean {meant[0]}?)" if meant else ""
        raise InputError(f"{rule}. Received: {named}{hint}")
    return shipped


def _names() -> list[str]:
    folder = suites_folder()
    return [str(file.relative_to(folder).with_suffix("")) for file in folder.rglob("*.yaml")]


def _of_clone(path: str) -> Path | None:
    """Return a folder at the top of the clone, or None if the package is not in a clone."""
    top = _PACKAGE.parent
    return top / path if (top / "pyproject.toml").is_file() and (top / path).is_dir() else None

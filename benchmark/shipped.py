"""What comes with the package: the suites, and the reference records.

A clone has them at its top, ``suites/`` and ``results/reference/``; a wheel holds copies inside of
the package, ``benchmark/suites/`` and ``benchmark/reference/``.
"""

from difflib import get_close_matches
from pathlib import Path

from benchmark.problems import InputError

_PACKAGE = Path(__file__).resolve().parent

STARTER = _PACKAGE / "starter"
"""A suite to start from, and how to run it."""


def suites_folder() -> Path:
    """The folder of the suites that come with the package."""
    return _of_clone("suites") or _PACKAGE / "suites"


def shipped_reference() -> Path:
    """The folder of the reference records that come with the package."""
    return _of_clone("results/reference") or _PACKAGE / "reference"


def suite_file(named: Path) -> Path:
    """A suite's file: the one at that path or else, by its name (``quickstart``,
    ``short/figure6``), one that comes with the package. Raises InputError where none is."""
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
    """A folder at the top of the clone, where the package lies in one."""
    top = _PACKAGE.parent
    return top / path if (top / "pyproject.toml").is_file() and (top / path).is_dir() else None

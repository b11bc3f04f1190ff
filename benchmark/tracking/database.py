"""The SQLite file of an MLflow mirror: whole or not there, whatever is killed while it is made.

MLflow makes and upgrades its tables in many steps. A process that is killed between two of them
leaves a file that MLflow never opens again; so both are done to a file aside, which is then
renamed.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from benchmark.records.locks import locked


@contextmanager
def held(file: Path) -> Iterator[None]:
    """One process at a time has the file in hand."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with locked(_lock_of(file), wait=True):
        yield


def make(file: Path, open_by_mlflow: Callable[[Path], object]) -> None:
    """Make the file, or bring it to the tables of the MLflow that is installed; for who holds it.

    ``open_by_mlflow`` has MLflow make or upgrade the tables of a file. Raises what it raises, and
    then leaves the file as it was.
    """
    version = metadata.version("mlflow")
    if file.exists() and _lock_of(file).read_text("utf-8") == version:
        return
    for left in file.parent.glob(f".{file.name}.aside*"):
        left.unlink()
    aside = file.with_name(f".{file.name}.aside")
    if file.exists():
        shutil.copyfile(file, aside)
    open_by_mlflow(aside)
    aside.replace(file)
    _lock_of(file).write_text(version, "utf-8")


def move_aside_if_unusable(file: Path, open_by_mlflow: Callable[[Path], object]) -> Path | None:
    """Give a file that MLflow cannot open another name, under which nothing is lost; for who holds
    it. Returns its new place, if it was moved."""
    tried = file.with_name(f".{file.name}.tried")  # MLflow keeps connections to what it opened.
    shutil.copyfile(file, tried)
    try:
        open_by_mlflow(tried)
        return None
    except Exception:  # Whatever MLflow, SQLAlchemy or SQLite raises.
        pass
    finally:
        tried.unlink()
    number = 1
    while (place := file.with_name(f"{file.name}.unusable-{number}")).exists():
        number += 1
    return file.rename(place)


def _lock_of(file: Path) -> Path:
    """The file that is locked; it holds the version of MLflow whose tables the database has."""
    return file.with_name(f"{file.name}.lock")

"""The SQLite file of an MLflow mirror: complete or absent, even if a process is killed.

MLflow creates and upgrades its tables in many steps. A process that is killed between two of them
leaves a file that MLflow can never open again; so both are done to a separate file, which is then
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
    """Hold the lock on the file, which only one process can have at a time."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with locked(_lock_of(file), wait=True):
        yield


def make(file: Path, open_by_mlflow: Callable[[Path], object]) -> None:
    """Create the file, or upgrade its tables to the installed MLflow. The caller holds its lock.

    ``open_by_mlflow`` makes MLflow create or upgrade a file's tables. If it raises, the error
    passes through, and the file stays as it was.
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
    """Rename a file that MLflow cannot open, so that nothing is lost. The caller holds its lock.
    Returns its new path, if it was moved."""
    tried = file.with_name(f".{file.name}.tried")  # MLflow keeps connections to opened files.
    shutil.copyfile(file, tried)
    try:
        open_by_mlflow(tried)
        return None
    except Exception:  # MLflow, SQLAlchemy or SQLite may raise anything.
        pass
    finally:
        tried.unlink()
    number = 1
    while (place := file.with_name(f"{file.name}.unusable-{number}")).exists():
        number += 1
    return file.rename(place)


def _lock_of(file: Path) -> Path:
    """Return the lock file; it contains the MLflow version whose tables the database has."""
    return file.with_name(f"{file.name}.lock")

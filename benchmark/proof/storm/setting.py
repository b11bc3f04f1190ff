"""What the parts of a storm are given, and what they give back."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.records.problems import one_line


@dataclass(frozen=True)
class Setting:
    """Where a part works, and how much it tries."""

    scratch: Path
    """An empty folder."""
    suites: Path
    """A folder of suite files."""
    plan: Callable[[Path, Path], None]
    """The command ``plan``, of a suite's file and a results folder."""
    short: bool
    """A few tries of each kind only."""
    say: Callable[[str], None]

    def size(self, full: int, short: int) -> int:
        """How many tries."""
        return short if self.short else full


@dataclass
class Tries:
    """What was tried, and what came of it."""

    passed: int = 0
    failures: list[str] = field(default_factory=list)
    """Of each try that did not pass: which it was, and what was seen."""
    seen: list[str] = field(default_factory=list)
    """Phrases for the table."""

    @property
    def tried(self) -> int:
        """How many there were."""
        return self.passed + len(self.failures)

    def add(self, name: str, problem: str | None) -> None:
        """A try; ``problem`` is None where it passed."""
        if problem is None:
            self.passed += 1
        else:
            self.failures.append(f"{name}: {problem}")


class NotHere(RuntimeError):
    """A part that this machine cannot do; the message says why."""


@contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[Path]:
    """A file system of so many MiB in ``folder``. Raises NotHere without the right to mount one."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)]
    with mounted(folder, command, "mounting a file system needs root"):
        yield folder


@contextmanager
def mounted(folder: Path, command: list[str], needs: str) -> Iterator[None]:
    """Make a folder and mount what ``command`` mounts there. Raises NotHere, which begins with
    ``needs``, where that cannot be done."""
    folder.mkdir(parents=True)
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotHere(f"{needs} ({one_line(error)})") from error
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)

"""The identity of a results folder on a tracking server that several share."""

import getpass
import platform
import uuid
from contextlib import suppress
from pathlib import Path

from benchmark.records.files import named
from benchmark.records.problems import RecordsError

FILE = ".identity"


def identity_of(root: Path) -> str:
    """Return the id of a results folder. It is random, made once, and the same for all processes
    that ask at the same time. A copy of the folder has it, too."""
    file = root / FILE
    if not file.exists():
        root.mkdir(parents=True, exist_ok=True)
        aside = root / f"{FILE}.{uuid.uuid4().hex[:8]}.aside"
        aside.write_text(uuid.uuid4().hex)
        try:
            named(aside, file)
        finally:
            aside.unlink(missing_ok=True)
    found = file.read_text().strip()
    if len(found) != 32 or not found.isalnum():
        rule = "must hold the folder's id of 32 hexadecimal digits; delete it to make another"
        raise RecordsError(f"{file} {rule}. Received: {found[:100]!r}")
    return found


def name_of(root: Path) -> str:
    """Return the readable name of a results folder: user, host and path."""
    with suppress(OSError, KeyError):  # A container may have no name for its user.
        return f"{getpass.getuser()}@{platform.node()}:{root.resolve()}"
    return f"{platform.node()}:{root.resolve()}"

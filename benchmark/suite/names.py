"""The names of suites and variants, which are also names of folders."""

import hashlib
import re
from typing import Annotated

from pydantic import AfterValidator

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=+-]{0,99}")
RESERVED = {
    *("runs", "reference", "paper", "exports", "speed", "scaling", "storm", "storm-short"),
    *("power", "crosscheck"),
    *("mlartifacts", "mlflow.db", "mlflow.db.lock"),
}
"""Names of other entries in a results folder, next to the suites' own folders."""

JOINT = "+"
"""Separator between a suite's name and its changes by ``--set``; not allowed in a suite file."""

_LONGEST = 100


def as_name(text: str, key: str, *, exact: bool) -> str:
    """Return the text if it is a valid name and ``exact``, i.e. no other key has it. Otherwise
    return as much of it as a name allows, with a digest of ``key``."""
    if exact and NAME.fullmatch(text):
        return text
    digest = hashlib.sha256(key.encode()).hexdigest()[:8]
    clean = re.sub(r"[^A-Za-z0-9._=+-]+", "_", text).lstrip("._=+-")
    return f"{clean[: _LONGEST - len(digest) - 1]}{JOINT}{digest}"


def _checked(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(
            "should be 1 to 100 letters, digits or any of . _ = + -, starting with a letter or "
            "digit"
        )
    return name


def _checked_of_suite(name: str) -> str:
    if name in RESERVED:
        raise ValueError(f"should not be any of {', '.join(sorted(RESERVED))}")
    if JOINT in name:
        raise ValueError(f"should not contain {JOINT}, reserved for suites changed by --set")
    return name


Name = Annotated[str, AfterValidator(_checked)]
SuiteName = Annotated[Name, AfterValidator(_checked_of_suite)]

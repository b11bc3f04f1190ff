"""What a command cannot go on with, said in one line. Loads nothing, so that help stays quick."""

import errno
import re
from urllib.parse import unquote


class RecordsError(ValueError):
    """A file of the records that is torn, or not what it must be."""


class TrackingError(RuntimeError):
    """An MLflow server or database that does not answer, or is none."""


class DiskFullError(OSError):
    """A disk or a quota that is full. What was to be written is as it was before."""


_HIDDEN = "***"

_PASSWORD = re.compile(r"(?P<before>[a-zA-Z][\w+.-]*://[^\s:/@]*:)(?P<secret>\S+)(?=@)")
_TOKEN = re.compile(r"(?P<before>https?://)(?P<secret>[^\s:/@]+)(?=@)")
"""A user without a password is a token."""
_OPTION = re.compile(
    r"(?P<before>[?&]\w*(?:password|passwd|pwd|secret|token|api_?key|access_?key)=)"
    r"(?P<secret>[^\s&'\"]+)",
    re.IGNORECASE,
)


def masked(text: str, uri: str = "") -> str:
    """The text without the passwords of the addresses in it, nor those of ``uri``, however a
    library tells them."""
    for secret in _secrets(uri):
        text = text.replace(secret, _HIDDEN)
    for pattern in (_PASSWORD, _TOKEN, _OPTION):
        text = pattern.sub(rf"\g<before>{_HIDDEN}", text)
    return text


def without_credentials(uri: str) -> str:
    """The address of a server, for a browser, which asks for what it needs."""
    scheme, slashes, rest = uri.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}"


def _secrets(uri: str) -> set[str]:
    """As they stand in an address, and decoded."""
    found = {
        match["secret"] for each in (_PASSWORD, _TOKEN, _OPTION) for match in each.finditer(uri)
    }
    return {text for secret in found for text in (secret, unquote(secret)) if len(text) > 2}


def is_disk_full(error: BaseException) -> bool:
    """Whether an error is of a disk or a quota that is full, whoever raised it."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def one_line(error: BaseException) -> str:
    """The kind of an error, and the first line of its message where it has one; no passwords."""
    lines = masked(str(error)).strip().splitlines()
    return ": ".join([type(error).__name__, *(line[:300] for line in lines[:1])])

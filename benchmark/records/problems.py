"""Errors that stop a command, reported in one line. Imports nothing heavy, to keep help quick."""

import errno
import re
from urllib.parse import unquote


class RecordsError(ValueError):
    """A record file that is corrupt or not what it must be."""


class TrackingError(RuntimeError):
    """An MLflow server or database that does not answer or does not exist."""


class DiskFullError(OSError):
    """A full disk or quota. The file that was being written is as it was before."""


_HIDDEN = "***"

_PASSWORD = re.compile(r"(?P<before>[a-zA-Z][\w+.-]*://[^\s:/@]*:)(?P<secret>\S+)(?=@)")
_TOKEN = re.compile(r"(?P<before>https?://)(?P<secret>[^\s:/@]+)(?=@)")
"""A user without a password is a token."""
_OPTION = re.compile(
    r"(?P<before>[?&](?:\w*(?:password|passwd|pwd|secret|token)|(?:\w*_)?(?:api|access)?_?key)=)"
    r"(?P<secret>[^\s&'\"]+)",
    re.I,
)
"""Does not match ``orderByKey``, which MLflow's UI sorts by."""


def masked(text: str, uri: str = "") -> str:
    """Return the text with the passwords of its addresses masked, and those of ``uri`` in any form
    that a library may print."""
    for secret in _secrets(uri):
        text = text.replace(secret, _HIDDEN)
    for pattern in (_PASSWORD, _TOKEN, _OPTION):
        text = pattern.sub(rf"\g<before>{_HIDDEN}", text)
    return text


def without_credentials(uri: str) -> str:
    """Return a server's address without credentials, for a browser, which asks for them."""
    scheme, slashes, rest = uri.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}"


def _secrets(uri: str) -> set[str]:
    """Return the secrets in an address, as written and decoded."""
    found = {
        match["secret"] for each in (_PASSWORD, _TOKEN, _OPTION) for match in each.finditer(uri)
    }
    return {text for secret in found for text in (secret, unquote(secret)) if len(text) > 2}


def is_disk_full(error: BaseException) -> bool:
    """Return whether an error, raised by anyone, means that a disk or a quota is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def one_line(error: BaseException) -> str:
    """Return an error's type and the first line of its message, if any. This project's own messages
    are kept whole; others may be long. Passwords are masked."""
    lines = [line.strip() for line in masked(str(error)).strip().splitlines() if line.strip()]
    message = " ".join(lines)[:_OURS] if _is_ours(error) else "".join(lines[:1])[:_THEIRS]
    return ": ".join([type(error).__name__, *filter(None, [message])])


_OURS, _THEIRS = 4000, 300
"""Limits in characters. MLflow keeps 5000 of a tag."""


def _is_ours(error: BaseException) -> bool:
    """Return whether this project defines the error's class or raised it."""
    raised = error.__traceback__
    while raised and raised.tb_next:
        raised = raised.tb_next
    where = raised.tb_frame.f_globals.get("__name__", "") if raised else ""
    return any(name.startswith("benchmark.") for name in (type(error).__module__, where))

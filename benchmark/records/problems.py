"""What a command cannot go on with, said in one line. Loads nothing, so that help stays quick."""

import errno


class RecordsError(ValueError):
    """A file of the records that is torn, or not what it must be."""


class TrackingError(RuntimeError):
    """An MLflow server or database that does not answer, or is none."""


class DiskFullError(OSError):
    """A disk or a quota that is full. What was to be written is as it was before."""


def is_disk_full(error: BaseException) -> bool:
    """Whether an error is of a disk or a quota that is full, whoever raised it."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def one_line(error: BaseException) -> str:
    """The kind of an error, and the first line of its message where it has one."""
    lines = str(error).strip().splitlines()
    return ": ".join([type(error).__name__, *(line[:300] for line in lines[:1])])

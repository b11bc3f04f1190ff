"""The status of a run."""

from enum import StrEnum


class Status(StrEnum):
    """The status of a run, or of one attempt to train it."""

    PLANNED = "planned"
    """No training yet."""
    UNFINISHED = "unfinished"
    """Started; resumes from its last checkpoint."""
    FINISHED = "finished"
    """Trained to the end."""
    DIVERGED = "diverged"
    """The loss is no longer finite; that is a result, too."""
    FAILED = "failed"
    """Ended with an error. Retried only on request."""
    INTERRUPTED = "interrupted"
    """This attempt was stopped after a checkpoint."""
    BUSY = "busy"
    """Another process is training it."""
    UNREADABLE = "unreadable"
    """Its folder cannot be read."""


DONE = (Status.FINISHED, Status.DIVERGED)
"""Never trained again."""

LOST = (Status.DIVERGED, Status.FAILED)
"""Has no value to compare."""

ENDED = (*DONE, Status.FAILED)
"""Trained again only on request, or never."""

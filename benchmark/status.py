"""How a run stands."""

from enum import StrEnum


class Status(StrEnum):
    """Of a run, or of an attempt to train it."""

    PLANNED = "planned"
    """Nothing was trained."""
    UNFINISHED = "unfinished"
    """It was begun, and goes on from its last checkpoint."""
    FINISHED = "finished"
    """It was trained to its end."""
    DIVERGED = "diverged"
    """The loss is no number any more; that is a result, too."""
    FAILED = "failed"
    """It ended by an error. It is tried again only where that is asked for."""
    INTERRUPTED = "interrupted"
    """The attempt was stopped after a checkpoint."""
    BUSY = "busy"
    """Another process trains it."""
    UNREADABLE = "unreadable"
    """Its folder cannot be looked into."""


DONE = (Status.FINISHED, Status.DIVERGED)
"""Never trained again."""

LOST = (Status.DIVERGED, Status.FAILED)
"""Without a value that could be compared."""

ENDED = (*DONE, Status.FAILED)
"""Trained again only where that is asked for, or never."""

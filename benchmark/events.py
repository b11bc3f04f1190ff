"""The events that a run emits during training: those in its journal, and transient ones."""

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, TypedDict, cast


class Kind(StrEnum):
    """The kinds of event. Recorded ones go into the journal, the others to listeners only."""

    START = "start"
    """Recorded: an attempt begins."""
    PHASE = "phase"
    """What the worker is doing before training starts."""
    BUILT = "built"
    """Recorded: the net is built and its images are loaded."""
    REFUSED = "refused"
    """Recorded: a checkpoint was corrupt."""
    ANEW = "anew"
    """Recorded: no intact checkpoint is left from earlier attempts."""
    RESUME = "resume"
    """Recorded: the attempt resumes from a checkpoint."""
    PROGRESS = "progress"
    """Some more steps are done."""
    EPOCH = "epoch"
    """Recorded: an epoch's row."""
    END = "end"
    """Recorded: training has ended."""
    FAILED = "failed"
    """The worker ended with an error."""
    BEGUN = "begun"
    """A cluster node has started the run."""
    STOPPING = "stopping"
    """Ctrl-C: the run will end after a checkpoint."""


class Event(TypedDict, total=False):
    """A JSON mapping with the fields of its kind. Epoch rows and progress events also hold the
    task's metrics (``train_error_percent``, ``test_loss``), which ``metrics`` names."""

    event: Kind
    time: float
    """Seconds since 1970; in recorded events only."""

    attempt: int
    phase: str

    parameters: int
    multiply_adds: int
    initial_weights_sha256: str
    device: str
    build_time_s: float
    dataset_sha256: str
    dataset: dict[str, Any]

    reason: str
    failure: str
    """A kind of failure."""
    wall_time_s: float
    """Wall time of the attempts that this one continues."""
    differs: list[str]
    """What differs from the environment in which the run started."""

    epoch: int
    iteration: int
    iterations: int
    """Total number of iterations in the run."""
    weights_sha256: str
    learning_rate: float
    train_loss: float
    gradient_norm: float
    gradient_norms: dict[str, float]
    """Kernel -> gradient norm."""
    layers: dict[str, dict[str, dict[str, float]]]
    """Iteration -> diagnostic -> layer -> value."""
    train_time_s: float
    images_per_s: float
    evaluation_time_s: float
    loss_scale: float
    skipped_steps: int

    status: str
    final_weights_sha256: str
    peak_memory_mib: float
    peak_gpu_memory_mib: float | None


def of_kind(events: Iterable[Event], kind: Kind) -> list[Event]:
    """Return the events of one kind."""
    return [event for event in events if event["event"] == kind]


def first_of_kind(events: Iterable[Event], kind: Kind) -> Event:
    """Return the first event of one kind, or an empty one if there is none."""
    return next(iter(of_kind(events, kind)), Event())


def with_numbers(event: Event, numbers: Mapping[str, float | None]) -> Event:
    """Return the event with a task's metrics added after its own fields."""
    return cast(Event, {**event, **numbers})


def number_of(event: Event, key: str) -> float | None:
    """Return an event's value of a metric, or None if it was not measured."""
    fields: Mapping[str, Any] = event
    return fields.get(key)


def event_of(line: bytes) -> Event | None:
    """Return the event in a line of JSON, or None if it holds none."""
    try:
        data = json.loads(line)
    except ValueError:
        return None
    is_event = isinstance(data, dict) and isinstance(data.get("event"), str)
    return cast(Event, data) if is_event else None

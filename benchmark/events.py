"""What a run tells while it is trained: the events of its journal, and those that pass by."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, TypedDict, TypeGuard, cast


class Kind(StrEnum):
    """An event's name. What is recorded is in the journal; the others are only told."""

    START = "start"
    """Recorded: an attempt begins."""
    PHASE = "phase"
    """What the worker is at before the training."""
    BUILT = "built"
    """Recorded: the net and its images are there."""
    REFUSED = "refused"
    """Recorded: a checkpoint was not whole."""
    ANEW = "anew"
    """Recorded: of earlier attempts no checkpoint is whole."""
    RESUME = "resume"
    """Recorded: the attempt goes on from a checkpoint."""
    PROGRESS = "progress"
    """Some steps are done."""
    EPOCH = "epoch"
    """Recorded: an epoch's row."""
    END = "end"
    """Recorded: the training has ended."""
    FAILED = "failed"
    """An error ended the worker."""
    BEGUN = "begun"
    """A node of a cluster has begun the run."""
    STOPPING = "stopping"
    """Ctrl-C: the run will end after a checkpoint."""


class Event(TypedDict, total=False):
    """A JSON mapping: of these fields those of its kind. Rows of epochs, and progress, have the
    numbers of a task too (``train_error_percent``, ``test_loss``), whose names metrics know."""

    event: Kind
    time: float
    """Seconds since 1970; of what is recorded."""

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
    """Of the attempts that this one goes on from."""
    differs: list[str]
    """What is other than where the run began."""

    epoch: int
    iteration: int
    iterations: int
    """Of the whole run."""
    weights_sha256: str
    learning_rate: float
    train_loss: float
    gradient_norm: float
    gradient_norms: dict[str, float]
    """By kernel."""
    layers: dict[str, dict[str, dict[str, float]]]
    """Iteration -> what the diagnostics found: of each layer a number, by the number's name."""
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
    """Those of a kind."""
    return [event for event in events if event["event"] == kind]


def first_of_kind(events: Iterable[Event], kind: Kind) -> Event:
    """The first of a kind; empty where there is none."""
    return next(iter(of_kind(events, kind)), Event())


def with_numbers(event: Event, numbers: Mapping[str, float | None]) -> Event:
    """The event, and a task's numbers after it."""
    return cast(Event, {**event, **numbers})


def number_of(event: Event, key: str) -> float | None:
    """What an event has of a metric; None where it was not measured."""
    fields: Mapping[str, Any] = event
    return fields.get(key)


def is_event(data: Any) -> TypeGuard[Event]:
    """Whether JSON data is an event."""
    return isinstance(data, dict) and isinstance(data.get("event"), str)

"""Train reference runs again, the cheapest first, within a budget.

A run that starts from another's weights comes after it, and takes those of its second training.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from benchmark.records.problems import RecordsError
from benchmark.records.store import RunFolder, Store
from benchmark.reproduction.replay import Replayed
from benchmark.scheduling.share import available_gpus
from benchmark.spec import RunSpec
from benchmark.status import DONE, Status

SAME, WEIGHTS, OTHER = "identical", "identical weights", "different"
STOPPED, FAILED = "stopped", "failed"


@dataclass(frozen=True)
class Candidate:
    """A reference run that can be trained again."""

    folder: RunFolder
    spec: RunSpec
    name: str
    """Display name: ``quickstart/plain44/seed0``."""
    train_time_s: float
    """Training time on the machine where it was recorded."""
    after: "tuple[Candidate, ...]" = ()
    """The runs that must be trained first: the one whose weights it starts from, after that one's
    own."""

    @property
    def run_id(self) -> str:
        """Return the run's id."""
        return self.folder.run_id

    @property
    def sources(self) -> list[str]:
        """Return the ids of the runs before it."""
        return [each.run_id for each in self.after]

    @property
    def cost_s(self) -> float:
        """Return the training time with that of the runs before it."""
        return sum(each.train_time_s for each in (*self.after, self))


@dataclass(frozen=True)
class Verified:
    """The result of training a candidate again."""

    candidate: Candidate
    replayed: Replayed
    took_s: float

    @property
    def outcome(self) -> str:
        """Return ``identical``, ``identical weights`` (all but the losses on scored images),
        ``different``, or without a difference ``stopped`` early or ``failed`` here."""
        if self.replayed.identical:
            return SAME
        if self.replayed.same_weights:
            return WEIGHTS
        if self.replayed.curves.first:
            return OTHER
        if self.replayed.status == Status.FAILED:
            return FAILED
        return STOPPED if self.replayed.status == Status.INTERRUPTED else OTHER

    @property
    def same_class(self) -> bool:
        """Return whether it ran on the same class of processor, and so must give the same bits."""
        return not any(
            each.name in ("processor", "device") and each.other is not None
            for each in self.replayed.environment
        )


def candidates(
    reference: Store, missing: Callable[[RunSpec], str | None]
) -> tuple[list[Candidate], dict[str, int]]:
    """Return the runs that can be trained again, the cheapest first, and the reasons why others
    cannot, with the number of runs for each.

    ``missing``: returns what keeps a spec from being trained here, for example missing images.
    """
    found: dict[str, Candidate] = {}
    left: Counter[str] = Counter()
    names = _names(reference)
    for folder in reference.runs():
        if not (folder.path / "result.json").exists():
            continue
        each = _candidate(folder, names.get(folder.run_id, folder.run_id), missing)
        if isinstance(each, Candidate):
            found[each.run_id] = each
        else:
            left[each] += 1
    behind = [_behind_its_source(each, found) for each in found.values()]
    ready = [each for each in behind if each]
    if len(ready) < len(found):
        left["starts from a run that cannot be trained again here"] = len(found) - len(ready)
    return sorted(ready, key=lambda each: (each.cost_s, each.name)), dict(left)


def verify(
    chosen: Iterable[Candidate],
    train: Callable[[Candidate], Replayed],
    budget_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Verified]:
    """Train the runs one after the other, until the next would take longer than the time left.

    The estimate is the recorded training time, scaled by how much slower this machine was on the
    run before. A run that starts from another's weights is passed over unless that one has them
    again.
    """
    began, slower = clock(), 1.0
    there: set[str] = set()
    for candidate in chosen:
        if not there.issuperset(candidate.sources):
            continue
        start = clock()
        if candidate.train_time_s * slower > budget_s - (start - began):
            return
        replayed = train(candidate)
        took = clock() - start
        slower = took / max(candidate.train_time_s, 1e-9)
        verified = Verified(candidate, replayed, took)
        if verified.outcome in (SAME, WEIGHTS):
            there.add(candidate.run_id)
        yield verified
        if verified.outcome == STOPPED:
            return


def _candidate(
    folder: RunFolder, name: str, missing: Callable[[RunSpec], str | None]
) -> Candidate | str:
    """Return the candidate of a run's folder, or why the run cannot be trained again."""
    try:
        spec, result = RunSpec.model_validate(folder.spec()), folder.result() or {}
    except ValidationError:
        return "recorded by a version with different fields"
    except (OSError, RecordsError):
        return "its records cannot be read"
    if spec.digest() != folder.run_id:
        return "recorded by another recipe"
    why = _unfit(spec, result) or missing(spec)
    return why or Candidate(folder, spec, name, result["train_time_s"])


def _behind_its_source(each: Candidate, found: dict[str, Candidate]) -> Candidate | None:
    """Return the run with those to be trained before it, or None if one of them cannot be."""
    if each.spec.source is None:
        return each
    source = found.get(each.spec.source)
    source = source and _behind_its_source(source, found)
    return replace(each, after=(*source.after, source)) if source else None


def _unfit(spec: RunSpec, result: dict[str, Any]) -> str | None:
    if result.get("status") not in DONE:
        return "has not ended"
    if not result.get("train_time_s"):
        return "nothing was trained"
    if spec.pretrained and not spec.source:
        return "starts from weights that are not in the reference"
    if result.get("environments_mixed"):
        return "was resumed in a different environment"
    if result.get("device") != "CPU" and not available_gpus():
        return f"trained on {result.get('device')}, and there is no GPU here"
    return None


def _names(reference: Store) -> dict[str, str]:
    """Return run id -> the run's first name in a suite."""
    names: dict[str, str] = {}
    for suite, plan in reference.plans():
        for cell in plan["cells"]:
            names.setdefault(cell["run_id"], f"{suite}/{cell['variant']}/seed{cell['seed']}")
    return names

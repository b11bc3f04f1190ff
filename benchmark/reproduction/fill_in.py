"""Fill in missing measurements of ended runs: train them again, in a separate folder.

If the final weights are the same, bit for bit, the new attempt becomes the run's record: it is
added to the run's journal, and counts from the moment at which its result replaces the old one. If
interrupted before that, it resumes on the next request. If the weights differ, as on another kind
of processor, the old record stays.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from benchmark.events import Event
from benchmark.records.comparison import Difference, compare_curves, differences
from benchmark.records.files import write_json
from benchmark.records.journal import Journal
from benchmark.records.lacking import Lacking, lacking
from benchmark.records.problems import RecordsError, one_line
from benchmark.records.provenance import provenance
from benchmark.records.store import ASIDE, RunFolder, Store
from benchmark.scheduling.runner import Listener, Outcome, Place, run_plan
from benchmark.spec import RunSpec
from benchmark.status import DONE, Status
from benchmark.suite import Cell, Plan
from benchmark.suite.plan import measured_for_both
from benchmark.worker.lease import lease


def lacking_of(plan: Plan, store: Store) -> list[tuple[Cell, Lacking]]:
    """Return the plan's runs that ended without everything requested, and what each lacks. Runs
    whose records cannot be read are left out."""
    found = []
    for cell in plan.runs().values():
        with suppress(OSError, RecordsError):
            if lacks := _lacking(cell, store.run(cell)):
                found.append((cell, lacks))
    return found


@dataclass(frozen=True)
class Other:
    """A run that ended with different bits when it was trained again."""

    epoch: int
    """The first epoch that differs."""
    first: list[Difference]
    """The differences in that epoch."""
    environment: list[Difference]
    """The differences in versions, machine and flags, which could explain it."""


@dataclass
class FilledIn:
    """The outcome of filling in."""

    whole: list[str] = field(default_factory=list)
    """Ids of the runs that now have everything requested."""
    others: dict[str, Other] = field(default_factory=dict)
    """Run id -> how it differs; its old record stays."""
    left: dict[str, str] = field(default_factory=dict)
    """Run id -> why it was not filled in: failed, interrupted, or busy with another process."""
    interrupted: bool = False

    @property
    def tried(self) -> set[str]:
        """Return the ids of all these runs."""
        return {*self.whole, *self.others, *self.left}


def fill_in(
    plan: Plan,
    store: Store,
    listeners: Sequence[Listener],
    place: Callable[[Store, list[Cell]], Place],
) -> FilledIn:
    """Train again each of the plan's runs that ended without everything requested, with these and
    its earlier measurements, and keep the new record if the bits are the same.

    ``listeners``: called as for any training; at a run's end its record is the new one. ``place``:
    makes the place where the runs of a results folder are trained. Ctrl-C: as in ``run_plan``.
    """
    return _FillingIn(plan, store, listeners).run(place)


class _FillingIn:
    def __init__(self, plan: Plan, store: Store, listeners: Sequence[Listener]):
        self.store, self.aside, self.listeners = store, Store(store.root / ASIDE), listeners
        self.filled = FilledIn()
        asked = [cell for cell, _ in lacking_of(plan, store)]
        for cell in asked:  # Those already trained to the end.
            self._settle(cell, told=_trained_here(self.aside.run(cell)))
        self.plan = Plan(plan.suite, tuple(self._to_train(asked)))

    def _to_train(self, asked: Iterable[Cell]) -> Iterator[Cell]:
        for cell in asked:
            folder = self.store.run(cell)
            if cell.run_id not in self.filled.others and _lacking(cell, folder):
                there = RunSpec.model_validate(folder.spec())
                again = replace(cell, spec=measured_for_both(there, cell.spec))
                self._make_room(again)
                self.filled.left.pop(cell.run_id, None)
                yield again

    def _make_room(self, cell: Cell) -> None:
        """Delete a separate training made for other measurements, or elsewhere with other bits."""
        aside = self.aside.run(cell)
        there = aside.spec()
        if there is None or (there == cell.spec.model_dump(mode="json") and not aside.done()):
            return
        with lease(aside) as held:
            if held is not None:
                shutil.rmtree(aside.path)

    def run(self, place: Callable[[Store, list[Cell]], Place]) -> FilledIn:
        if cells := [*self.plan.cells]:
            there = place(self.aside, cells)
            outcome = run_plan(self.plan, self.aside, [self], there, due=self._due)
            self._tell_of_the_rest(outcome)
        return self.filled

    def _due(self, aside: RunFolder) -> bool:
        """Return whether to train a run; another process may have come first."""
        cell = self.plan.runs()[aside.run_id]
        return not aside.done() and bool(_lacking(cell, self.store.run(cell)))

    def begin(self, cell: Cell) -> None:
        for listener in self.listeners:
            listener.begin(cell)

    def event(self, cell: Cell, event: Event) -> None:
        for listener in self.listeners:
            listener.event(cell, event)

    def end(self, cell: Cell, status: str, reason: str) -> None:
        if status in DONE:
            self._settle(cell)
            if cell.run_id in self.filled.others:
                reason = "to other bits"
        for listener in self.listeners:
            listener.end(cell, status, reason)

    def _settle(self, cell: Cell, *, told: bool = True) -> None:
        """Keep the new record of a run that was trained again, if its bits are the old ones; else
        report the difference, if ``told``."""
        aside, folder = self.aside.run(cell), self.store.run(cell)
        try:
            with lease(folder) as held:
                if held is None or not aside.done():
                    return
                other = _compared(folder, aside)
                if other is None:
                    _take_over(folder, aside)
                    self.filled.whole.append(cell.run_id)
                elif told:
                    self.filled.others[cell.run_id] = other
        except (OSError, RecordsError) as error:
            self.filled.left[cell.run_id] = one_line(error)

    def _tell_of_the_rest(self, outcome: Outcome) -> None:
        filled = self.filled
        filled.interrupted = outcome.interrupted
        for cell in self.plan.cells:
            self._settle(cell)  # Another process trained it to the end.
            if cell.run_id in filled.tried or not _lacking(cell, self.store.run(cell)):
                continue
            status = outcome.statuses.get(cell.run_id, Status.INTERRUPTED)
            reason = outcome.reasons.get(cell.run_id)
            filled.left[cell.run_id] = f"{status} ({reason})" if reason else status


def _lacking(cell: Cell, folder: RunFolder) -> Lacking:
    result = folder.result()
    if result is None or result["status"] not in DONE:
        return Lacking()
    return lacking(cell.spec, folder.events(result))


def _compared(folder: RunFolder, aside: RunFolder) -> Other | None:
    """Compare both records; None if they ended in the same way and with the same weights."""
    old, new = _end(folder), _end(aside)
    if old == new:
        return None
    curves = compare_curves(folder.events(), aside.events())
    return Other(
        curves.epochs,
        curves.first or differences(old, new),
        differences(folder.provenance(), aside.provenance()),
    )


def _end(folder: RunFolder) -> dict[str, Any]:
    result = folder.result() or {}
    return {name: result.get(name) for name in ("status", "final_weights_sha256")}


def _trained_here(aside: RunFolder) -> bool:
    """Return whether it was trained on a machine like this, with the same versions and flags, so
    that training it again would change nothing."""
    made, here = aside.provenance(), provenance()
    return all(made.get(name) == here[name] for name in ("processor", "versions", "flags"))


def _take_over(folder: RunFolder, aside: RunFolder) -> None:
    """Replace the run's record, the result last. Until then, the record is the old attempt, whose
    curves the old result names, and the separate folder is complete."""
    (start, *events), attempt = aside.events(), folder.attempts() + 1
    Journal(folder.journal).restore(start | {"attempt": attempt}, *events)
    write_json(folder.path / "spec.json", aside.spec())
    write_json(folder.path / "provenance.json", aside.provenance())
    for name in ("weights", "preprocessing", "detections", "shown"):
        old, new = getattr(folder, name), getattr(aside, name)
        if new.exists() and not old.exists():  # Otherwise it has the same bits.
            new.replace(old)
    folder.end((aside.result() or {}) | {"attempt": attempt})
    shutil.rmtree(aside.path)

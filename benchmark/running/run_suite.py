"""Run a suite: plan, train, test for its claims, report."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.counts import counted
from benchmark.running.budget import ended_after
from benchmark.running.checks import require_usable
from benchmark.running.images import use_cache
from benchmark.running.request import ask
from benchmark.running.where import Where
from benchmark.running.words import ui_command
from benchmark.status import Status

if TYPE_CHECKING:
    from benchmark.records.lacking import Lacking
    from benchmark.records.store import Store
    from benchmark.report.suite_report import Report
    from benchmark.reproduction.fill_in import FilledIn
    from benchmark.scheduling.runner import Outcome, Place
    from benchmark.suite import Cell, Plan
    from benchmark.suite.looks import Looks


@dataclass(frozen=True)
class SuiteRun:
    """The outcome of running a suite."""

    name: str
    store: "Store"
    """The results folder. ``load_runs(store.root, name)`` gives a row for each run."""
    runs: Mapping[str, "Cell"]
    """Run id -> the requested cell."""
    outcome: "Outcome"
    filled: "FilledIn"
    """The ended runs that were trained again for the measurements they lacked."""
    lacking: Sequence[tuple["Cell", "Lacking"]]
    """The suite's measurements that ended runs still lack."""
    tested: bool
    """Whether all tests required by claims could be run."""
    report: "Report | None"
    """None if it could not be written."""
    report_problem: str | None
    tracking_uri: str
    unmirrored: str | None
    """Why there is no copy in MLflow; None if there is one."""
    mirror_problem: str | None
    """Why MLflow's copy is behind; None if it is up to date."""

    @property
    def left_out(self) -> set[str]:
        """The ids of runs that no claim needs any more, in a suite with several looks."""
        open_ = not self.tested or Status.BUSY in self.outcome.statuses.values()
        return set() if open_ else self.runs.keys() - self.outcome.statuses.keys()

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C or the budget interrupted it. Repeat the call to resume."""
        return self.outcome.interrupted

    @property
    def complete(self) -> bool:
        """Return whether every run has finished or diverged, and was tested and reported."""
        bad = {Status.FAILED, Status.BUSY} & set(self.outcome.statuses.values())
        reported = self.report is not None and not self.report.problems
        unfilled = self.filled.others or self.filled.left
        return not (self.interrupted or bad or unfilled) and self.tested and reported


def run_suite(
    suite: str | Path,
    results: str | Path = "results",
    *,
    set_: Sequence[str] = (),
    only: Sequence[str] = (),
    seeds: str | None = None,
    where: Where | None = None,
    retry_failed: bool = False,
    fill_in: bool = False,
    budget_s: float = 0,
    tracking_uri: str | None = None,
    mlflow: bool = True,
    cache: str | Path | None = None,
    say: Callable[[str], None] | None = print,
) -> SuiteRun:
    """Train the runs of a suite that have not ended yet, test them for its claims, and report.

    Runs that have ended are not trained again, and interrupted ones resume from their last
    checkpoint.

    Args:
        suite: A YAML file, or the name of a suite that comes with the package.
        results: The folder of all records.
        set_: Fields of the spec to set in all cells, ``model.depth=20``: this makes another suite.
        only: Variants to train, with shell wildcards; all by default.
        seeds: Those of the suite's seeds to train, ``0-2``, ``0,3`` or ``0``; all by default.
        where: The machines; by default this one, with one run for each GPU or core.
        retry_failed: Also retry the runs that failed.
        fill_in: Retrain the runs that ended without everything that the suite measures.
        budget_s: Stop at a checkpoint before this many seconds are over; 0: never. Works only in
            a process's main thread.
        tracking_uri: An MLflow server or database; by default SQLite in the results folder.
        mlflow: Whether to keep a copy in MLflow.
        cache: The folder of decoded data sets; by default in the user's cache folder.
        say: Called with each line of progress; None: silent. In any case, Python's logger
            ``resnet_bench`` reports runs that start and end, and an MLflow that is behind.

    Raises:
        InputError: The suite breaks a rule, images are missing, or the machines are not there;
            nothing was written.
        RecordsError: A record is torn.
        KeyboardInterrupt: Ctrl-C, outside of the training. Repeat the call to resume.
    """
    from rich.console import Console

    from benchmark.listening.mirroring import BackgroundMirror
    from benchmark.listening.progress import ProgressDisplay
    from benchmark.listening.unmirrored import Unmirrored
    from benchmark.records.namesake import require_no_namesake
    from benchmark.records.problems import RecordsError, masked, one_line
    from benchmark.records.store import Store
    from benchmark.report.suite_report import write_report
    from benchmark.report.undecided import stages
    from benchmark.reproduction.fill_in import FilledIn, lacking_of
    from benchmark.reproduction.fill_in import fill_in as train_again
    from benchmark.running.testing import tested_as_claimed
    from benchmark.scheduling.runner import Outcome, run_plan, to_train
    from benchmark.status import DONE
    from benchmark.tracking.server import default_tracking_uri, on_http
    from benchmark.tracking.unmirrored import note, why_unmirrored

    where, tell = where or Where(), say or (lambda line: None)
    cache = Path(cache) if cache else None
    use_cache(cache)
    asked = ask(suite, set_, only, seeds)
    plan, store, name = asked.part.plan, Store(Path(results)), asked.whole.suite.name
    require_no_namesake(store, asked.whole)
    runs, cells = plan.runs(), to_train(plan, store, retry_failed=retry_failed)
    lacking = [cell for cell, _ in lacking_of(plan, store)] if fill_in else []
    require_usable(
        (cell.spec for cell in [*cells, *lacking]),
        store.root / "runs",
        planned={run_id: cell.spec for run_id, cell in runs.items()},
        due={cell.run_id for cell in cells},
        say=tell,
    )
    place = where.place(cells, runs.values(), store, retry_failed=retry_failed)
    unmirrored = why_unmirrored(off=not mlflow)
    uri = tracking_uri or default_tracking_uri(store)
    store.suite(name).save_plan(asked.whole)
    note(store.suite(name).path, unmirrored)
    done = sum(store.status(run_id) in DONE for run_id in runs)
    part = f" of the {len(asked.whole.plan.runs())} of the suite" if asked.selection.words else ""
    several = len(where.shares(cells))
    at_once = f", {several} at once" if several > 1 else ""
    looks = asked.whole.suite.looks
    most = "at most " if looks else ""
    runs_done = counted(done, "run is", "runs are")
    tell(f"{runs_done} done, {most}{len(cells)} to be trained{at_once}{part}.")

    def place_aside(aside: Store, again: "list[Cell]") -> "Place":
        return where.place(again, runs.values(), store, retry_failed=True, into=aside)

    def display(shown: "list[Cell]") -> ProgressDisplay:
        return ProgressDisplay(shown, Console(quiet=say is None))

    mirror: Unmirrored | BackgroundMirror = Unmirrored()
    if not unmirrored:
        mirror = BackgroundMirror(store, asked.whole.plan, uri, tell)
        if not on_http(uri):
            tell(masked(f"MLflow:  {ui_command(Path(results), tracking_uri)}"))
    outcome, filled, tested = Outcome(), FilledIn(), True
    with ended_after(budget_s):
        for number, stage in enumerate(stages(asked.part, store)):
            cells = to_train(stage, store, retry_failed=retry_failed)
            if number and looks:
                tell(_next_look(number, stage, looks))
                place = where.place(cells, runs.values(), store, retry_failed=retry_failed)
            with display(cells) as shown:
                trained = run_plan(stage, store, [shown, mirror], place, retry_failed=retry_failed)
            outcome = outcome.followed_by(trained)
            tested = outcome.interrupted or tested_as_claimed(asked.part, store, cache, say)
            if outcome.interrupted or not tested or Status.BUSY in outcome.statuses.values():
                break  # A look needs all of its results.
        if fill_in and not outcome.interrupted:
            with display(lacking) as shown:
                filled = train_again(plan, store, [shown, mirror], place_aside)
            outcome.interrupted = filled.interrupted
            tested = outcome.interrupted or tested_as_claimed(asked.part, store, cache, say)
    report, problem = None, None
    try:
        report = write_report(store, name)
        mirror.close(report.note, report.files, report.verdict_counts)
    except Exception as error:  # The records are complete even if the report fails.
        problem = one_line(error)
        mirror.close()
        if not isinstance(error, OSError | RecordsError):  # A bug.
            traceback.print_exc()
    left = [each for each in lacking_of(plan, store) if each[0].run_id not in filled.tried]
    return SuiteRun(
        name=name,
        store=store,
        runs=runs,
        outcome=outcome,
        filled=filled,
        lacking=left,
        tested=tested,
        report=report,
        report_problem=problem,
        tracking_uri=uri,
        unmirrored=unmirrored,
        mirror_problem=mirror.problem,
    )


def _next_look(number: int, stage: "Plan", looks: "Looks") -> str:
    """Return the message before the runs that follow look ``number``, counted from 1."""
    variants = ", ".join(dict.fromkeys(cell.variant for cell in stage.cells))
    before, seeds = looks.looks[number - 1 : number + 1]
    undecided = f"Not everything is decided after {counted(before, 'seed')}."
    return f"{undecided} Continuing to {counted(seeds, 'seed')}: {variants}."

"""Run a suite: plan, train, test for its claims, report."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.listening.mirroring import BackgroundMirror
from benchmark.records.lacking import Lacking
from benchmark.records.namesake import require_no_namesake
from benchmark.records.problems import RecordsError, masked, one_line
from benchmark.records.store import Store
from benchmark.report.suite_report import Report, write_report
from benchmark.reproduction.fill_in import FilledIn, lacking_of
from benchmark.running.images import use_cache
from benchmark.running.request import ask
from benchmark.running.train import Training
from benchmark.running.where import Where
from benchmark.running.words import ui_command
from benchmark.scheduling.runner import Outcome
from benchmark.status import Status
from benchmark.suite import Cell
from benchmark.tracking.server import default_tracking_uri, on_http
from benchmark.tracking.unmirrored import note, why_unmirrored


@dataclass(frozen=True)
class SuiteRun:
    """The outcome of running a suite."""

    name: str
    store: Store
    """The results folder. ``load_runs(store.root, name)`` gives a row for each run."""
    runs: Mapping[str, Cell]
    """Run id -> the requested cell."""
    outcome: Outcome
    filled: FilledIn
    """The ended runs that were trained again for the measurements they lacked."""
    lacking: Sequence[tuple[Cell, Lacking]]
    """The suite's measurements that ended runs still lack."""
    tested: bool
    """Whether all tests required by claims could be run."""
    report: Report | None
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
    use_cache(cache)
    asked = ask(suite, set_, only, seeds)
    store, name = Store(Path(results)), asked.whole.suite.name
    require_no_namesake(store, asked.whole)
    training = Training(
        asked,
        store,
        where or Where(),
        retry_failed=retry_failed,
        fills_in=fill_in,
        say=say,
    )
    unmirrored = why_unmirrored(off=not mlflow)
    uri = tracking_uri or default_tracking_uri(store)
    store.suite(name).save_plan(asked.whole)
    note(store.suite(name).path, unmirrored)
    training.tell(training.summary())
    ui = ui_command(Path(results), tracking_uri)
    mirror = None if unmirrored else _mirror(training, uri, ui)
    trained = training.run([mirror] if mirror else [], budget_s)
    report, problem = _report(store, name)
    if mirror and report:
        mirror.close(report.note, report.files, report.verdict_counts)
    elif mirror:
        mirror.close()
    tried = trained.filled.tried
    return SuiteRun(
        name=name,
        store=store,
        runs=training.runs,
        outcome=trained.outcome,
        filled=trained.filled,
        lacking=[each for each in lacking_of(training.plan, store) if each[0].run_id not in tried],
        tested=trained.tested,
        report=report,
        report_problem=problem,
        tracking_uri=uri,
        unmirrored=unmirrored,
        mirror_problem=mirror.problem if mirror else None,
    )


def _mirror(training: Training, uri: str, ui: str) -> BackgroundMirror:
    """Start the copy in MLflow, and tell which command shows it; a server tells its page itself."""
    mirror = BackgroundMirror(training.store, training.asked.whole.plan, uri, training.tell)
    if not on_http(uri):
        training.tell(masked(f"MLflow:  {ui}"))
    return mirror


def _report(store: Store, name: str) -> tuple[Report | None, str | None]:
    """Write the report. Returns it, or what went wrong."""
    try:
        return write_report(store, name), None
    except Exception as error:  # The records are complete even if the report fails.
        if not isinstance(error, OSError | RecordsError):  # A bug.
            traceback.print_exc()
        return None, one_line(error)

"""``resnet-bench run``: train the runs of a suite."""

import shlex
import signal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.commands.budget import seconds_of
from benchmark.commands.options import (
    Address,
    Cache,
    Jobs,
    Machines,
    NoMlflow,
    On,
    Only,
    Results,
    Seeds,
    Set,
    SuiteFile,
    TrackingUri,
    where_of,
)
from benchmark.commands.reporting import say_report
from benchmark.commands.suites import what_lacks
from benchmark.commands.terminal import INTERRUPTED, RUNS_FAILED, is_quiet, note, say
from benchmark.counts import counted
from benchmark.running.words import ui_command, words, words_of_records
from benchmark.status import Status

if TYPE_CHECKING:
    from benchmark.running.run_suite import SuiteRun


class Retry(StrEnum):
    """Which runs to retry."""

    FAILED = "failed"


def run(
    suite: SuiteFile,
    results: Results = Path("results"),
    set_: Set = None,
    only: Only = None,
    seeds: Seeds = None,
    jobs: Jobs = "auto",
    on: On = Machines.HERE,
    address: Address = None,
    retry: Annotated[
        Retry | None,
        typer.Option(help="Also retry the runs that failed.", show_default=False),
    ] = None,
    fill_in: Annotated[
        bool,
        typer.Option(
            "--fill-in",
            help="Retrain the runs that ended without everything that the suite now measures, and "
            "keep the new record if the weights are the same, bit for bit.",
        ),
    ] = False,
    budget: Annotated[
        str | None,
        typer.Option(help="Stop at a checkpoint after this long: 2h, 90m, 1h30m.", metavar="TIME"),
    ] = None,
    tracking_uri: TrackingUri = None,
    no_mlflow: NoMlflow = False,
    cache: Cache = None,
) -> None:
    """Train the runs of a suite that have not ended yet, then report."""
    where = where_of(jobs, on, address)
    seconds = seconds_of(budget) if budget else 0
    if no_mlflow:
        tracking_uri = None  # It may name a place that does not exist, and is not used.
    here = words_of_records(results, tracking_uri)
    asked = [*words("--set", set_), *words("--only", only), *words("--seeds", [seeds])]
    there = [
        *words("--cache", [cache]),
        *words("--jobs", [jobs if jobs != "auto" else None]),
        *words("--on", [on if on is Machines.RAY else None]),
        *words("--address", [address]),
        *(["--no-mlflow"] if no_mlflow else []),
    ]
    again = shlex.join(["resnet-bench", "run", str(suite), *asked, *here, *there])
    options = f"{' --retry failed' if retry else ''}{' --fill-in' if fill_in else ''}"
    to_go_on = f"Interrupted. To continue: {again}{options}"
    # A script's background job starts with SIGINT ignored; a batch system ends jobs by SIGTERM.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        from benchmark.running.run_suite import run_suite  # Takes a second.

        done = run_suite(
            suite,
            results,
            set_=set_ or (),
            only=only or (),
            seeds=seeds,
            where=where,
            retry_failed=retry is not None,
            fill_in=fill_in,
            budget_s=seconds,
            tracking_uri=tracking_uri,
            mlflow=not no_mlflow,
            cache=cache,
            say=None if is_quiet() else say,
        )
    except KeyboardInterrupt:
        say(to_go_on)
        raise typer.Exit(INTERRUPTED) from None
    if done.report:
        say_report(done.name, done.report)
    else:
        say(f"The report could not be written ({done.report_problem}).")
    _say_mirror(done, here, ui_command(results, tracking_uri))
    if done.interrupted:
        say(to_go_on)
        raise typer.Exit(INTERRUPTED)
    _say_what_is_left(done, again)
    if done.left_out:
        runs = counted(len(done.runs), "run")
        note(f"Left out, as no claim needs them: {len(done.left_out)} of {runs}.")
    _say_what_was_filled_in(done)
    if lacks := what_lacks(done.lacking):
        note(f"{lacks} To train them again and fill this in: {again} --fill-in")
    if not done.complete:
        raise typer.Exit(RUNS_FAILED)


def _say_mirror(done: "SuiteRun", here: list[str], ui: str) -> None:
    """Print the state of the copy in MLflow, and the commands that complete and show it."""
    sync = shlex.join(["resnet-bench", "sync", done.name, *here])
    if done.mirror_problem:
        say(f"MLflow ({done.tracking_uri}) is not up to date: {done.mirror_problem}.")
        say(f"The records are complete; once it is back: {sync}")
    if done.unmirrored:
        note(f"MLflow is {done.unmirrored}. For a mirror: {sync}")
    else:
        note(f"MLflow:  {ui}")


def _say_what_is_left(done: "SuiteRun", again: str) -> None:
    """Print each run that failed or is held by another process, and how many there are."""
    runs, statuses = done.runs, done.outcome.statuses
    for run_id, status in statuses.items():
        if status == Status.FAILED:
            say(f"failed: {runs[run_id].name} {_why_failed(done, run_id)}")
        if status == Status.BUSY:
            why = done.outcome.reasons.get(run_id) or "another process is training it"
            say(f"busy: {runs[run_id].name} ({why})")
    failed, busy = (
        list(statuses.values()).count(status) for status in (Status.FAILED, Status.BUSY)
    )
    if failed:
        say(f"{failed} of {counted(len(runs), 'run')} failed. To try again: {again} --retry failed")
    if busy:
        with_another = counted(busy, "run is", "runs are")
        say(f"{with_another} held by another process. Once it has ended: {again}")


def _why_failed(done: "SuiteRun", run_id: str) -> str:
    """Return why a run failed and, if its folder can be read, where its log is."""
    from benchmark.records.problems import RecordsError

    why = done.outcome.reasons.get(run_id)
    try:
        folder = done.store.run(run_id)
        result = folder.result() or {}
    except (OSError, RecordsError) as error:
        return f"({why or error})"
    recorded = f"{result.get('failure') or 'error'}: {result.get('reason')}"
    return f"({why or recorded}), see {folder.log}"


def _say_what_was_filled_in(done: "SuiteRun") -> None:
    filled, runs = done.filled, done.runs
    if filled.whole:
        whole = counted(len(filled.whole), "run was", "runs were")
        note(f"{whole} filled in, with the same weights, bit for bit.")
    for run_id, other in filled.others.items():
        say(f"not filled in: {runs[run_id].name} now ends with different bits; its record stays")
        say(f"  epoch {other.epoch} is the first that differs")
        for found in (*other.first[:3], *other.environment[:17]):
            say(f"  {found}")
    for run_id, why in filled.left.items():
        say(f"not filled in: {runs[run_id].name}: {why}")

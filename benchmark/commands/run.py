"""``resnet-bench run``: train what a suite asks for."""

import os
import shlex
import signal
import traceback
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands.budget import ended_after, seconds_of
from benchmark.commands.data import require_images, use_cache
from benchmark.commands.evaluate import tested_as_claimed
from benchmark.commands.options import (
    Address,
    Cache,
    Jobs,
    NoMlflow,
    On,
    Only,
    Results,
    Seeds,
    Set,
    SuiteFile,
    TrackingUri,
    Where,
)
from benchmark.commands.places import place_of, shares_of
from benchmark.commands.reporting import make_report
from benchmark.commands.suites import loaded_suite, selected, what_lacks
from benchmark.commands.terminal import INTERRUPTED, RUNS_FAILED, say


class Retry(StrEnum):
    """What is tried again."""

    FAILED = "failed"


def run(
    suite: SuiteFile,
    results: Results = Path("results"),
    set_: Set = None,
    only: Only = None,
    seeds: Seeds = None,
    jobs: Jobs = "auto",
    on: On = Where.HERE,
    address: Address = None,
    retry: Annotated[
        Retry | None,
        typer.Option(help="Try the runs that failed again, too.", show_default=False),
    ] = None,
    fill_in: Annotated[
        bool,
        typer.Option(
            "--fill-in",
            help="Train runs again that have ended without all that the suite measures, and keep "
            "the new record where the weights are the same, bit for bit.",
        ),
    ] = False,
    budget: Annotated[
        str | None,
        typer.Option(help="Stop at a checkpoint after that long: 2h, 90m, 1h30m.", metavar="TIME"),
    ] = None,
    tracking_uri: TrackingUri = None,
    no_mlflow: NoMlflow = False,
    cache: Cache = None,
) -> None:
    """Train what a suite asks for and has not ended yet, then report."""
    from rich.console import Console

    from benchmark.execution.fill_in import FilledIn, lacking_of
    from benchmark.execution.fill_in import fill_in as train_again
    from benchmark.execution.mirroring import BackgroundMirror
    from benchmark.execution.progress import ProgressDisplay
    from benchmark.execution.runner import run_plan, to_train
    from benchmark.execution.unmirrored import Unmirrored
    from benchmark.records.namesake import require_no_namesake
    from benchmark.records.problems import RecordsError, one_line
    from benchmark.records.store import DONE, Store
    from benchmark.records.tracking import default_tracking_uri
    from benchmark.records.unmirrored import note, why_unmirrored

    unmirrored = why_unmirrored(off=no_mlflow)
    if no_mlflow:
        tracking_uri = None  # It may name what is not there, and is told to nobody.
    seconds, retry_failed = seconds_of(budget) if budget else 0, retry is not None
    whole = loaded_suite(suite, set_)
    loaded, selection = selected(whole, only, seeds)
    store = Store(results)
    require_no_namesake(store, whole)
    name, runs = loaded.suite.name, loaded.plan.runs()
    where = {
        "--jobs": jobs if jobs != "auto" else None,
        "--on": on if on is Where.RAY else None,
        "--address": address,
    }
    asked = shlex.join([str(suite), *whole.changes.words, *selection.words])
    again, sync, ui = _commands(asked, name, results, tracking_uri, cache, where)
    again += " --no-mlflow" if no_mlflow else ""
    options = f"{' --retry failed' if retry else ''}{' --fill-in' if fill_in else ''}"
    to_go_on = f"Interrupted. To go on: {again}{options}"
    cells = to_train(loaded.plan, store, retry_failed=retry_failed)
    shares = shares_of(jobs, on, address, cells)
    use_cache(cache)
    lacking = [cell for cell, _ in lacking_of(loaded.plan, store)] if fill_in else []
    require_images(cell.spec.dataset for cell in [*cells, *lacking])
    place = place_of(on, address, shares, runs.values(), store, retry_failed=retry_failed)
    # A script's background job begins with Ctrl-C ignored; a batch system ends jobs by SIGTERM.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    store.suite(name).save_plan(whole)
    note(store.suite(name).path, unmirrored)
    uri = tracking_uri or default_tracking_uri(store)
    done = sum(store.status(run_id) in DONE for run_id in runs)
    part = f" of the {len(whole.plan.runs())} of the suite" if selection.words else ""
    at_once = f", {len(shares)} at once" if len(shares) > 1 else ""
    say(f"{done} runs are done, {len(cells)} to be trained{at_once}{part}.")

    def place_aside(aside, cells):
        parts = shares_of(jobs, on, address, cells)
        return place_of(on, address, parts, runs.values(), store, retry_failed=True, into=aside)

    reported, filled = True, FilledIn()
    try:
        mirror = Unmirrored() if unmirrored else BackgroundMirror(store, whole.plan, uri)
        with ended_after(seconds):
            with ProgressDisplay(cells, Console()) as display:
                outcome = run_plan(
                    loaded.plan, store, [display, mirror], place, retry_failed=retry_failed
                )
            if fill_in and not outcome.interrupted:
                with ProgressDisplay(lacking, Console()) as display:
                    filled = train_again(loaded.plan, store, [display, mirror], place_aside)
                outcome.interrupted = filled.interrupted
            tested = outcome.interrupted or tested_as_claimed(loaded, store, cache)
        try:
            written = make_report(store, name)
            reported = not written.problems
            mirror.close(written.note, written.files, written.verdict_counts)
        except Exception as error:
            reported = False
            mirror.close()
            if not isinstance(error, OSError | RecordsError):  # One of the code.
                traceback.print_exc()
            say(f"The report could not be written ({one_line(error)}); the records are whole.")
    except KeyboardInterrupt:
        say(to_go_on)
        raise typer.Exit(INTERRUPTED) from None
    if mirror.problem:
        say(f"MLflow ({uri}) is behind: {mirror.problem}. The records are whole; when it is")
        say(f"back: {sync}")
    say(f"MLflow is {unmirrored}. For a mirror: {sync}" if unmirrored else f"MLflow:  {ui}")
    if outcome.interrupted:
        say(to_go_on)
        raise typer.Exit(INTERRUPTED)
    _say_what_is_left(outcome, runs, store, again)
    _say_what_was_filled_in(filled, runs)
    left = [each for each in lacking_of(loaded.plan, store) if each[0].run_id not in filled.tried]
    if lacks := what_lacks(left):
        say(f"{lacks} To train them again and fill it in: {again} --fill-in")
    failed = {"failed", "busy"} & set(outcome.statuses.values()) or filled.others or filled.left
    if failed or not (reported and tested):
        raise typer.Exit(RUNS_FAILED)


def _commands(
    asked: str,
    name: str,
    results: Path,
    tracking_uri: str | None,
    cache: Path | None,
    where: dict[str, str | None],
) -> tuple[str, str, str]:
    """What a user would type to go on, to complete the mirror, and to look at it.

    ``asked``: the suite's file, and what is set and selected of it.
    """
    here = f"--results {shlex.quote(str(results))}"
    if tracking_uri and tracking_uri != os.environ.get("MLFLOW_TRACKING_URI"):
        here += f" --tracking-uri {shlex.quote(tracking_uri)}"
    from_cache = f" --cache {shlex.quote(str(cache))}" if cache else ""
    there = "".join(f" {name} {shlex.quote(value)}" for name, value in where.items() if value)
    return (
        f"resnet-bench run {asked} {here}{from_cache}{there}",
        f"resnet-bench sync {name} {here}",
        f"resnet-bench ui {here}",
    )


def _say_what_is_left(outcome, runs, store, again: str) -> None:
    """Each run that failed or is with another process, and how many there are of them."""
    statuses = outcome.statuses
    for run_id, status in statuses.items():
        folder = store.run(run_id)
        if status == "failed":
            result = folder.result() or {}
            recorded = f"{result.get('failure') or 'error'}: {result.get('reason')}"
            why = outcome.reasons.get(run_id) or recorded
            say(f"failed: {runs[run_id].name} ({why}), see {folder.log}")
        if status == "busy":
            why = outcome.reasons.get(run_id) or "another process is training it"
            say(f"busy: {runs[run_id].name} ({why})")
    failed, busy = (list(statuses.values()).count(status) for status in ("failed", "busy"))
    if failed:
        say(f"{failed} of {len(runs)} runs failed. To try again: {again} --retry failed")
    if busy:
        say(f"{busy} runs are with another process. When it has ended: {again}")


def _say_what_was_filled_in(filled, runs) -> None:
    if filled.whole:
        say(f"{len(filled.whole)} runs were filled in; their weights are the same, bit for bit.")
    for run_id, other in filled.others.items():
        say(f"not filled in: {runs[run_id].name} ends in other bits now; its record stays")
        say(f"  epoch {other.epoch} is the first that differs")
        for found in (*other.first[:3], *other.environment[:17]):
            say(f"  {found}")
    for run_id, why in filled.left.items():
        say(f"not filled in: {runs[run_id].name}: {why}")

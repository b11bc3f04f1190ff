"""``resnet-bench run``: train what a suite asks for."""

import re
import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands.data import require_images, use_cache
from benchmark.commands.evaluate import tested_as_claimed
from benchmark.commands.options import (
    Address,
    Cache,
    Jobs,
    NoMlflow,
    On,
    Results,
    SuiteFile,
    TrackingUri,
    Where,
)
from benchmark.commands.places import packed, place_of
from benchmark.commands.reporting import make_report
from benchmark.commands.suites import loaded_suite
from benchmark.commands.terminal import INTERRUPTED, RUNS_FAILED, fail, say


class Retry(StrEnum):
    """What is tried again."""

    FAILED = "failed"


def run(
    suite: SuiteFile,
    results: Results = Path("results"),
    jobs: Jobs = None,
    on: On = Where.HERE,
    address: Address = None,
    retry: Annotated[
        Retry | None,
        typer.Option(help="Try the runs that failed again, too.", show_default=False),
    ] = None,
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

    from benchmark.execution.mirroring import BackgroundMirror
    from benchmark.execution.progress import ProgressDisplay
    from benchmark.execution.runner import run_plan, to_train
    from benchmark.execution.unmirrored import Unmirrored
    from benchmark.records.problems import RecordsError, one_line
    from benchmark.records.store import DONE, Store
    from benchmark.records.tracking import default_tracking_uri
    from benchmark.records.unmirrored import note, why_unmirrored

    unmirrored = why_unmirrored(off=no_mlflow)
    if no_mlflow:
        tracking_uri = None  # It may name what is not there, and is told to nobody.
    seconds, retry_failed = _seconds(budget) if budget else 0, retry is not None
    loaded, shares = packed(loaded_suite(suite), jobs, on, address)
    store = Store(results)
    name, runs = loaded.suite.name, loaded.plan.runs()
    where = {"--jobs": jobs, "--on": on if on is Where.RAY else None, "--address": address}
    again, sync, ui = _commands(suite, name, results, tracking_uri, cache, where)
    again += " --no-mlflow" if no_mlflow else ""
    to_go_on = f"Interrupted. To go on: {again}{' --retry failed' if retry else ''}"
    cells = to_train(loaded.plan, store, retry_failed=retry_failed)
    use_cache(cache)
    require_images(cell.spec.dataset for cell in cells)
    place = place_of(on, address, shares, loaded, store, retry_failed=retry_failed)
    # A script's background job begins with Ctrl-C ignored; a batch system ends jobs by SIGTERM.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    store.suite(name).save_plan(loaded)
    note(store.suite(name).path, unmirrored)
    uri = tracking_uri or default_tracking_uri(store)
    done = sum(store.run(run_id).status() in DONE for run_id in runs)
    at_once = f", {len(shares)} at once" if len(shares) > 1 else ""
    say(f"{done} runs are done, {len(cells)} to be trained{at_once}.")
    reported = True
    try:
        mirror = Unmirrored() if unmirrored else BackgroundMirror(store, loaded.plan, uri)
        with _ended_after(seconds):
            with ProgressDisplay(cells, Console()) as display:
                outcome = run_plan(
                    loaded.plan, store, [display, mirror], place, retry_failed=retry_failed
                )
            tested = outcome.interrupted or tested_as_claimed(loaded, store, cache)
        try:
            written = make_report(store, name)
            mirror.close(written.note, written.files, written.verdict_counts)
        except (OSError, RecordsError) as error:
            reported = False
            mirror.close()
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
    if {"failed", "busy"} & set(outcome.statuses.values()) or not (reported and tested):
        raise typer.Exit(RUNS_FAILED)


_LEFT_S = 20
"""Of a budget, for the last checkpoint and the report."""


def _seconds(budget: str) -> int:
    found = re.fullmatch(r"(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?", budget)
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    total = 3600 * hours + 60 * minutes + seconds
    if total <= _LEFT_S:
        fail(f"budget must be like 2h, 90m or 1h30m, above {_LEFT_S} s. Received: {budget}")
    return total


@contextmanager
def _ended_after(seconds: int) -> Iterator[None]:
    """As if Ctrl-C were pressed a little before so many seconds are over; never with 0."""
    if not seconds:
        yield
        return
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, seconds - _LEFT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _commands(
    suite: Path,
    name: str,
    results: Path,
    tracking_uri: str | None,
    cache: Path | None,
    where: dict[str, str | None],
) -> tuple[str, str, str]:
    """What a user would type to go on, to complete the mirror, and to look at it."""
    here = f"--results {shlex.quote(str(results))}"
    if tracking_uri:
        here += f" --tracking-uri {shlex.quote(tracking_uri)}"
    from_cache = f" --cache {shlex.quote(str(cache))}" if cache else ""
    there = "".join(f" {name} {shlex.quote(value)}" for name, value in where.items() if value)
    return (
        f"resnet-bench run {shlex.quote(str(suite))} {here}{from_cache}{there}",
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
            say(f"busy: {runs[run_id].name} is being trained by another process")
    failed, busy = (list(statuses.values()).count(status) for status in ("failed", "busy"))
    if failed:
        say(f"{failed} of {len(runs)} runs failed. To try again: {again} --retry failed")
    if busy:
        say(f"{busy} runs are with another process. When it has ended: {again}")

"""``resnet-bench records``: manage the reference, the records of this project's own runs."""

import os
from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands.options import Reference, SuiteName
from benchmark.commands.reporting import recorded
from benchmark.commands.terminal import say
from benchmark.counts import counted

records_app = typer.Typer(
    no_args_is_help=True, help="The reference: records of this project's own runs."
)


@records_app.callback()
def _group() -> None:
    """Make Typer keep the name of a single command."""


@records_app.command()
def add(
    suite: SuiteName,
    results: Annotated[
        Path, typer.Option(file_okay=False, help="The results folder in which the suite was run.")
    ] = Path("results"),
    reference: Reference = None,
    weights: Annotated[
        bool,
        typer.Option(help="Also copy the weights of one seed of each variant (10 MB in all)."),
    ] = False,
) -> None:
    """Copy the records of a suite's ended runs into the reference, and write its report there.

    Can be repeated when more runs have ended; existing records stay as they are.
    """
    from benchmark.records.adding import add_records
    from benchmark.records.reference import VARIABLE, reference_folder
    from benchmark.records.store import Store
    from benchmark.report.suite_report import write_report
    from benchmark.worker.pretrained import finished

    store, name, _ = recorded(suite, results)
    into = Store(reference or reference_folder())
    os.environ[VARIABLE] = str(into.root)  # So that its report compares it with no other.
    done = add_records(store, name, into, finished if weights else None)
    added, there, left = (len(found) for found in (done.added, done.there, done.left))
    failed = f", {len(done.failed)} failed and were left out" if done.failed else ""
    say(f"{counted(added, 'run')} added, {there} already there, {left} not ended yet{failed}.")
    for run_id in done.others:
        say(f"{run_id} is already there with different bits, and stays as it is")
    if weights:
        say(f"With weights: {', '.join(done.weights) or 'none'}")
    if done.added or done.there or done.others:
        written = write_report(into, name)
        say(f"report: {written.files[0]}")

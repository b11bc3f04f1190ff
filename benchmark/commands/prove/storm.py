"""``resnet-bench prove storm``: check that no machine failure loses or changes a result."""

from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands.options import Results, Suites
from benchmark.commands.suites import plan
from benchmark.commands.terminal import RUNS_FAILED, note, require_known, say
from benchmark.shipped import suites_folder


def storm(
    part: Annotated[
        list[str] | None, typer.Argument(help="Parts; all by default.", show_default=False)
    ] = None,
    short: Annotated[bool, typer.Option(help="A few tries of each: minutes, not an hour.")] = False,
    again: Annotated[bool, typer.Option(help="Repeat parts that are already done.")] = False,
    suites: Suites = None,
    results: Results = Path("results"),
) -> None:
    """Kill, damage, starve and crowd real runs, and count what is lost, which must be nothing.

    Exit code 0: every try passed; 1: at least one failed.
    """
    from benchmark.proof.storm.parts import PARTS, run_parts

    require_known("part", part or (), PARTS)
    folder = results / ("storm-short" if short else "storm")
    names = part or list(PARTS)
    passed = run_parts(
        names, folder, suites or suites_folder(), plan, short=short, again=again, say=note
    )
    say(f"table: {folder / 'storm.md'}")
    if not passed:
        raise typer.Exit(RUNS_FAILED)

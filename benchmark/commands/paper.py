"""``resnet-bench paper``: write one page on a paper, claim by claim."""

from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands.options import Reference, Suites
from benchmark.commands.reporting import say_files
from benchmark.commands.terminal import fail, say
from benchmark.paper import FIRST, PAPERS
from benchmark.shipped import suites_folder


def paper(
    out: Annotated[
        Path, typer.Option(file_okay=False, help="The folder to write the page to.")
    ] = Path("results/paper"),
    reference: Reference = None,
    suites: Suites = None,
    of: Annotated[
        str, typer.Option(help=f"Which paper: {', '.join(PAPERS)}.", show_default=True)
    ] = FIRST,
) -> None:
    """Write one page on all claims of all suites, with figures, from the records only."""
    from benchmark.records.reference import reference_folder
    from benchmark.records.store import Store
    from benchmark.report.paper.page import write_paper

    if of not in PAPERS:
        fail(f"--of must be one of {', '.join(PAPERS)}. Received: {of}")
    store = Store(reference or reference_folder())
    page = write_paper(suites or suites_folder(), store, out, of)
    told = (
        ("claims of the paper", page.of_paper),
        ("claims beyond it", page.beyond),
        ("claims of the paper at a shortened schedule", page.shortened),
        ("claims beyond it at a shortened schedule", page.shortened_beyond),
    )
    for what, counts in told:
        if counts:
            say(f"{what}: {', '.join(f'{n} {verdict}' for verdict, n in counts.items())}")
    say_files("page", page.files)

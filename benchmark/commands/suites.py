"""``resnet-bench list`` and ``plan``: what suites ask for, before anything is spent."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands.options import (
    Address,
    Jobs,
    On,
    Only,
    Results,
    Seeds,
    Set,
    SuiteFile,
    Where,
)
from benchmark.commands.places import at_once, shares_of
from benchmark.commands.terminal import fail, say


def list_suites(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="A folder of suite files.")
    ] = Path("suites"),
) -> None:
    """List the suites of a folder and of those within it: runs, source and measured cost."""
    from benchmark.suite import SuiteError, load_suite

    paths = sorted(folder.rglob("*.yaml"), key=lambda path: (len(path.parts), path))
    if not paths:
        fail(f"folder must hold suite files (*.yaml). Received: {folder}")
    for path in paths:
        try:
            loaded = load_suite(path)
        except SuiteError as error:
            say(f"{path}: not readable\n{error}")
            continue
        say(f"{path}: {len(loaded.plan.runs())} runs. {loaded.suite.source}.")
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("# Cost:"):
                say(f"  Cost: {line.removeprefix('# Cost:').strip()}")


def plan(
    suite: SuiteFile,
    results: Results = Path("results"),
    set_: Set = None,
    only: Only = None,
    seeds: Seeds = None,
    jobs: Jobs = "auto",
    on: On = Where.HERE,
    address: Address = None,
) -> None:
    """Show the runs that a suite asks for, and which are done. Nothing is written."""
    from benchmark.execution.estimate import tests, work
    from benchmark.execution.fill_in import lacking_of
    from benchmark.records.store import DONE, Store

    whole = loaded_suite(suite, set_)
    loaded, _ = selected(whole, only, seeds)
    store = Store(results)
    cells, runs = loaded.plan.cells, loaded.plan.runs()
    statuses = {run_id: store.status(run_id) for run_id in runs}
    left = [cell for run_id, cell in runs.items() if statuses[run_id] not in DONE]
    shares = shares_of(jobs, on, address, left)
    width = max(len(cell.name) for cell in cells)
    for cell in cells:
        tera = 3 * work(cell) / 1e12
        status = statuses[cell.run_id]
        say(f"{cell.name:{width}}  {cell.run_id}  {status:11}  {tera:12,.1f} TMAC")
    say(f"{len(cells)} cells, {len(runs)} different runs, {len(runs) - len(left)} done.")
    if whole.changes.words:
        say(f"--set makes another suite, with records of its own: {whole.suite.name}")
    if len(cells) < len(whole.plan.cells):
        say(f"Selected of {len(whole.plan.cells)} cells, with those whose weights they begin from.")
    _say_prospects(whole)
    say("One TMAC is 1e12 multiply-adds; training counts as three times the forward pass.")
    for protocol, count, tera in tests(loaded, store):
        say(f"To be tested by {protocol}: {count} runs, {tera:,.1f} TMAC (of square images).")
    if lacks := what_lacks(lacking_of(loaded.plan, store)):
        say(f"{lacks} run --fill-in trains them again.")
    if left:
        say(_expected(left, store, at_once(on, address, shares, left)))


def _say_prospects(loaded) -> None:
    """For each claim the chance that the suite's seeds decide it, and how many would be enough."""
    from benchmark.suite.claims.planning import WANTED, prospects

    seeds = len(loaded.suite.seeds)
    first = loaded.suite.seeds[0]
    specs = {
        cell.variant: cell.spec.model_dump(mode="json")
        for cell in loaded.plan.cells
        if cell.seed == first
    }
    found = prospects(loaded.suite.claims, seeds, specs)
    if found:
        say(f"How likely {seeds} seeds are to decide each claim, if it is true:")
    for each in found:
        if each.sd == 0:
            told = "needs one test of each net, and no luck."
        elif each.chance is None:
            told = "not known (by how much runs differ, nobody has said)"
        else:
            told = f"{100 * each.chance:3.0f} %"
            apart = f"at a margin of {each.claim.margin:g}"
            if each.sd:
                apart += f", if runs differ by {each.sd:.2g}"
            enough = f"{each.seeds} seeds" if each.seeds else "no bearable number of seeds"
            told += f" {apart}; {100 * WANTED:.0f} % with {enough}"
        say(f"  {each.claim.statement} {told}")


def _expected(cells, store, jobs: float) -> str:
    """What is still to be trained, and how long that takes."""
    from benchmark.execution.estimate import estimate, images

    millions = sum(map(images, cells)) / 1e6
    text = f"To be trained: {len(cells)} runs, {millions:,.1f} million images"
    found = estimate(cells, store)
    if found is None:
        return f"{text}. How long that takes here, no earlier run tells (precision, threads)."
    where = "here" if jobs == 1 else f"with {jobs:g} at once"
    return (
        f"{text}, about {found.hours / jobs:,.1f} hours {where}, by {found.runs} earlier runs "
        f"(up to {found.memory_mib / 1024:.1f} GiB of memory each)."
    )


def what_lacks(found) -> str:
    """In a line, what the suite measures and runs that have ended lack; empty where nothing is."""
    layers = [lacks.layers for _, lacks in found if lacks.layers]
    scores = [lacks.scores for _, lacks in found if lacks.scores]
    lines = []
    for runs, what in ((layers, "the layers at iteration"), (scores, "the scores after epoch")):
        if runs:
            each = sorted({number for numbers in runs for number in numbers})
            told = ", ".join(map(str, each[:5])) + (f" and {len(each) - 5} more" * (len(each) > 5))
            lines.append(f"{len(runs)} runs have ended without {what} {told}.")
    return " ".join(lines)


def loaded_suite(path: Path, changes: Sequence[str] | None = None):
    """The suite of a file, changed as by ``--set``; where it or that breaks a rule the command
    ends and says so."""
    from benchmark.suite import Changes, SuiteError, load_suite

    try:
        return load_suite(path, Changes(changes or ()))
    except SuiteError as error:
        fail(str(error))


def selected(loaded, only: Sequence[str] | None, seeds: str | None):
    """The suite with the selected part of its plan alone, and the selection."""
    selection = selection_of([(cell.variant, cell.seed) for cell in loaded.plan.cells], only, seeds)
    return replace(loaded, plan=selection.part_of(loaded.plan)), selection


def selection_of(cells: Sequence[tuple[str, int]], only: Sequence[str] | None, seeds: str | None):
    """What ``--only`` and ``--seeds`` select; where there is no such cell the command ends and
    says so."""
    from benchmark.suite.selection import SelectionError, select

    try:
        return select(cells, only or (), seeds)
    except SelectionError as error:
        fail(str(error))

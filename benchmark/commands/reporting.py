"""``resnet-bench report`` and ``sync``: write the report and MLflow's copy from the records."""

import gc
import os
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.commands.options import Only, Results, Seeds, Set, SuiteName, TrackingUri
from benchmark.commands.terminal import RUNS_FAILED, fail, is_quiet, note, say
from benchmark.status import Status

if TYPE_CHECKING:
    from benchmark.records.reference import Compared
    from benchmark.records.store import Store
    from benchmark.report.suite_report import Report
    from benchmark.suite.suite import LoadedSuite


class Format(StrEnum):
    """The formats of a report's pages."""

    HTML, MARKDOWN, LATEX, CSV = "html", "markdown", "latex", "csv"


_FORMATS = [Format.HTML, Format.MARKDOWN]
"""The default formats."""


def report(
    context: typer.Context,
    suite: SuiteName,
    results: Results = Path("results"),
    set_: Set = None,
    only: Only = None,
    seeds: Seeds = None,
    tracking_uri: TrackingUri = None,
    formats: Annotated[
        list[Format], typer.Option("--format", help="Page format; may be given several times.")
    ] = _FORMATS,
) -> None:
    """Write a suite's tables, figures and report again, from the records only.

    With --only or --seeds, report on that part, in the folder selected/ within the suite's folder.
    """
    from benchmark.report.suite_report import write_report
    from benchmark.suite.selection import select

    gc.disable()  # Saves a sixth of the time for thousands of runs; the process ends afterwards.
    store, name, cells = recorded(suite, results, set_)
    selection = select([(cell["variant"], cell["seed"]) for cell in cells], only or (), seeds)
    if selection.words and tracking_uri:
        source = context.get_parameter_source("tracking_uri")
        if source and source.name == "COMMANDLINE":  # Otherwise it is only in the environment.
            rule = "tracking-uri is only for the report of a whole suite"
            fail(f"{rule}. Received: {tracking_uri}, with {selection}")
        tracking_uri = None
    _require_records(
        store, name, [cell for cell in cells if selection.has(cell["variant"], cell["seed"])]
    )
    if tracking_uri:
        written = _mirrored_report(store, name, tracking_uri, cells=[], formats=formats)
    else:
        written = write_report(store, name, formats, selection)
        say_report(name, written)
    _require_whole(written)


def sync(
    suite: SuiteName,
    results: Results = Path("results"),
    tracking_uri: TrackingUri = None,
    rebuild: Annotated[
        bool, typer.Option(help="First delete the suite's records from MLflow, then send them all.")
    ] = False,
) -> None:
    """Complete MLflow's copy of a suite's records. Running it twice adds nothing."""
    from benchmark.tracking.server import default_tracking_uri
    from benchmark.tracking.unmirrored import note

    store, name, cells = recorded(suite, results)
    _require_records(store, name, cells)
    uri = tracking_uri or default_tracking_uri(store)
    written = _mirrored_report(store, name, uri, cells, rebuild=rebuild)
    note(store.suite(name).path, None)
    _require_whole(written)


_PRINTED = 50
"""The maximum number of variants shown in the terminal."""


def say_report(name: str, written: "Report") -> None:
    """Print a report's verdicts, its table and its location."""
    from rich.console import Console
    from rich.table import Table

    from benchmark.report.pages import cell_text

    for problem in written.problems:
        say(f"Not in the report: {problem}. The rest of it is complete.")
    for row in written.verdicts.to_dict("records"):
        say(f"{row['verdict']}: {row['claim']} {row['why']}")
    pages = [page for each in written.pages.values() for page in each]
    if is_quiet():
        return say_files("report", pages)
    table = Table(title=f"{name}: {written.title}")
    for column in written.variants:
        table.add_column(str(column), justify="left" if column == "variant" else "right")
    for row in written.variants.head(_PRINTED).to_dict("records"):
        table.add_row(*(cell_text(str(column), value) for column, value in row.items()))
    Console(width=None if os.isatty(1) else 140, markup=False).print(table)
    if len(written.variants) > _PRINTED:
        say(f"The first {_PRINTED} of {len(written.variants):,} variants; the report has all.")
    _say_compared(written.compared)
    say_files("report", pages)
    say_files("figures", [figure.svg for figure in written.figures])
    say_files("tables", [frame for frame in written.frames if frame.suffix == ".csv"])


def say_files(what: str, files: Sequence[Path]) -> None:
    """Print the files, one per line, after what they are."""
    for number, path in enumerate(files):
        say(f"{f'{what}:' if not number else '':9}{path}")


def _say_compared(compared: "Mapping[str, Compared]") -> None:
    """Print how many runs match the reference bit for bit, and how far the others are from it."""
    from benchmark.records.reference import DIFFERENT, reference_folder

    if not compared:
        return
    outcomes = [each.outcome for each in compared.values()]
    counts = ", ".join(f"{outcomes.count(each)} {each}" for each in dict.fromkeys(outcomes))
    say(f"Compared with the reference ({reference_folder()}): {counts}.")
    for run, each in compared.items():
        if each.outcome == DIFFERENT:
            where = "" if each.same_processor else " (the reference ran on another processor)"
            say(f"  {run} is {each}{where}")


def recorded(
    suite: str, results: Path, changes: Sequence[str] | None = None
) -> "tuple[Store, str, list[dict[str, Any]]]":
    """Return the store, the name of a suite with records there, and the cells of its plan."""
    from benchmark.records.namesake import require_no_namesake
    from benchmark.records.store import Store
    from benchmark.suite import Changes, load_suite

    store = Store(results)
    set_ = Changes(changes or ())
    known, file = store.suites(), _file_of(suite)
    name, loaded = set_.name(suite), None
    if file and name not in known:
        loaded = load_suite(file, set_)
        require_no_namesake(store, loaded)
        name = loaded.suite.name
    if name not in known:
        fail(f"suite must have records in {results} (now: {', '.join(known) or 'none'}): {name}")
    plan = store.suite(name).plan()
    if loaded and _is_edited(loaded, plan):
        note(f"{file} was edited since {name} was run; resnet-bench run {suite} applies it")
    return store, name, plan["cells"]


def _file_of(suite: str) -> Path | None:
    """Return the file that a suite's path or name stands for; None if there is none."""
    from benchmark.problems import InputError
    from benchmark.shipped import suite_file

    if Path(suite).suffix in (".yaml", ".yml"):
        return Path(suite)
    try:
        return suite_file(Path(suite))
    except InputError:
        return None


def _is_edited(loaded: "LoadedSuite", plan: "Mapping[str, Any]") -> bool:
    """Return whether a suite's file has other runs or claims than were planned from it."""
    cells = {(cell["variant"], cell["seed"], cell["run_id"]) for cell in plan["cells"]}
    now = {(cell.variant, cell.seed, cell.run_id) for cell in loaded.plan.cells}
    claims = [claim.model_dump(mode="json") for claim in loaded.suite.claims]
    return cells != now or claims != plan["claims"]


def _require_records(store: "Store", name: str, cells: Sequence[dict[str, Any]]) -> None:
    """End the command with an error unless at least one of the cells' runs has records."""
    if all(store.status(cell["run_id"]) == Status.PLANNED for cell in cells):
        rule = f"must have records in {store.root / 'runs'}, or its report there would be lost"
        fail(f"at least one run of the suite {rule}. Received: {name}, none of {len(cells)}")


def _mirrored_report(
    store: "Store",
    name: str,
    uri: str,
    cells: list[dict[str, Any]],
    *,
    rebuild: bool = False,
    formats: Sequence[str] = _FORMATS,
) -> "Report":
    """Write the report, and MLflow's copy of it and of the cells' runs. If MLflow cannot be
    reached, nothing is written."""
    from benchmark.records.problems import RecordsError
    from benchmark.report.suite_report import write_report
    from benchmark.tracking.mirror import mirror_of
    from benchmark.tracking.server import reaching

    with reaching(uri):
        mirror = mirror_of(store, name, uri, rebuild=rebuild)
        for cell in cells:
            try:
                mirror.mirror(cell)
            except RecordsError as error:
                say(f"Not sent: {cell['variant']}/seed{cell['seed']}: {error}")
    written = write_report(store, name, formats)
    say_report(name, written)
    with reaching(uri):
        mirror.mirror_suite(written.note, written.files, written.verdict_counts)
    return written


def _require_whole(written: "Report") -> None:
    if written.problems:
        raise typer.Exit(RUNS_FAILED)

"""``resnet-bench report`` and ``sync``: what is made from the records."""

import os
from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands.options import Results, SuiteName, TrackingUri
from benchmark.commands.suites import loaded_suite
from benchmark.commands.terminal import fail, say


def report(
    suite: SuiteName, results: Results = Path("results"), tracking_uri: TrackingUri = None
) -> None:
    """Write a suite's tables, figures and report again, from the records alone."""
    store, name = _recorded(suite, results)
    if tracking_uri:
        _mirrored_report(store, name, tracking_uri, cells=[])
    else:
        make_report(store, name)


def sync(
    suite: SuiteName,
    results: Results = Path("results"),
    tracking_uri: TrackingUri = None,
    rebuild: Annotated[
        bool, typer.Option(help="Delete what MLflow has of the suite first, and make it anew.")
    ] = False,
) -> None:
    """Complete MLflow's copy of a suite's records. Doing it twice adds nothing."""
    from benchmark.records.tracking import default_tracking_uri

    store, name = _recorded(suite, results)
    uri = tracking_uri or default_tracking_uri(store)
    _mirrored_report(store, name, uri, store.suite(name).plan()["cells"], rebuild=rebuild)


def make_report(store, name: str):
    """Write the report, and print its table and where it is."""
    from rich.console import Console
    from rich.table import Table

    from benchmark.report.suite_report import cell_text, write_report

    written = write_report(store, name)
    table = Table(title=f"{name}: error in percent after the last epoch")
    for column in written.variants:
        table.add_column(str(column), justify="left" if column == "variant" else "right")
    for row in written.variants.to_dict("records"):
        table.add_row(*(cell_text(str(column), value) for column, value in row.items()))
    Console(width=None if os.isatty(1) else 140).print(table)
    say(f"report:  {written.html}\n         {written.markdown}")
    for what, files in (("figures", written.figures), ("tables", written.frames)):
        for number, path in enumerate(files):
            say(f"{f'{what}:' if not number else '':9}{path}")
    return written


def artifacts(written) -> list[Path]:
    """What MLflow keeps of a report."""
    return [*written.figures, *written.frames, written.html]


def _recorded(suite: str, results: Path):
    """The store, and the name of a suite of which at least one run has records there."""
    from benchmark.records.store import Store

    store = Store(results)
    is_file = Path(suite).suffix in (".yaml", ".yml")
    name = loaded_suite(Path(suite)).suite.name if is_file else suite
    known = store.suites()
    if name not in known:
        fail(f"suite must have records in {results} ({', '.join(known) or 'none'}): {name}")
    cells = store.suite(name).plan()["cells"]
    if all(store.run(cell["run_id"]).status() == "planned" for cell in cells):
        rule = f"must have records in {results / 'runs'}, or its report there would be lost"
        fail(f"at least one run of the suite {rule}. Received: {name}, none of {len(cells)}")
    return store, name


def _mirrored_report(
    store, name: str, uri: str, cells: list[dict], *, rebuild: bool = False
) -> None:
    """The report, and MLflow's copy of it and of the cells' runs. Where MLflow is away, nothing is
    written."""
    from benchmark.records.mlflow_mirror import MlflowMirror
    from benchmark.records.tracking import reaching

    with reaching(uri):
        mirror = MlflowMirror(store, name, uri, rebuild=rebuild)
        for cell in cells:
            mirror.mirror(cell)
    written = make_report(store, name)
    with reaching(uri):
        mirror.mirror_suite(written.note, artifacts(written))

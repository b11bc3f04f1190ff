"""The commands. Heavy libraries are imported where they are needed, so that help is quick."""

import os
import shlex
import signal
from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands.again import diff, replay
from benchmark.commands.data import data_app, require_images, use_cache
from benchmark.commands.options import Cache, Results, SuiteFile, SuiteName, TrackingUri
from benchmark.commands.speed import speed
from benchmark.commands.terminal import INTERRUPTED, RUNS_FAILED, Commands, fail, say

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Reproduce the ResNet paper (He et al., 2015) in Keras: suites of runs, compared.",
)
app.add_typer(data_app, name="data")
for command in (replay, diff, speed):
    app.command()(command)


@app.command("list")
def list_suites(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="A folder of suite files.")
    ] = Path("suites"),
) -> None:
    """List the suites of a folder: runs, source and measured cost."""
    from benchmark.suite import SuiteError, load_suite

    paths = sorted(folder.glob("*.yaml"))
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


@app.command()
def plan(suite: SuiteFile, results: Results = Path("results")) -> None:
    """Show the runs that a suite asks for, and which are done. Nothing is written."""
    from benchmark.execution.progress import work
    from benchmark.records.store import DONE, Store

    loaded, store = _load(suite), Store(results)
    cells, runs = loaded.plan.cells, loaded.plan.runs()
    statuses = {run_id: store.run(run_id).status() for run_id in runs}
    width = max(len(cell.name) for cell in cells)
    for cell in cells:
        tera = 3 * work(cell) / 1e12
        status = statuses[cell.run_id]
        say(f"{cell.name:{width}}  {cell.run_id}  {status:11}  {tera:12,.1f} TMAC")
    done = sum(status in DONE for status in statuses.values())
    say(f"{len(cells)} cells, {len(runs)} different runs, {done} done.")
    say("One TMAC is 1e12 multiply-adds; training counts as three times the forward pass.")


@app.command()
def run(
    suite: SuiteFile,
    results: Results = Path("results"),
    tracking_uri: TrackingUri = None,
    cache: Cache = None,
) -> None:
    """Train what a suite asks for and is not done yet, then report."""
    from rich.console import Console

    from benchmark.execution.local import run_plan
    from benchmark.execution.mirroring import BackgroundMirror
    from benchmark.execution.progress import ProgressDisplay
    from benchmark.records.store import Store
    from benchmark.records.tracking import default_tracking_uri

    # A script's background job begins with Ctrl-C ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    loaded, store = _load(suite), Store(results)
    name, runs = loaded.suite.name, loaded.plan.runs()
    cells = [cell for run_id, cell in runs.items() if not store.run(run_id).done()]
    use_cache(cache)
    require_images({cell.spec.dataset.name for cell in cells})
    store.suite(name).save_plan(loaded)
    uri = tracking_uri or default_tracking_uri(store)
    say(f"{len(runs) - len(cells)} runs are done, {len(cells)} to be trained.")
    mirror = BackgroundMirror(store, loaded.plan, uri)
    with ProgressDisplay(cells, Console()) as display:
        outcome = run_plan(loaded.plan, store, [display, mirror])
    written = _report(store, name)
    mirror.close(written.note, _artifacts(written))
    here = f"--results {shlex.quote(str(results))}"
    chosen = f" --tracking-uri {shlex.quote(tracking_uri)}" if tracking_uri else ""
    again = f"resnet-bench run {shlex.quote(str(suite))} {here}{chosen}"
    if mirror.problem:
        say(f"MLflow ({uri}) is behind: {mirror.problem}. The records are whole; when it is")
        say(f"back: resnet-bench sync {name} {here}{chosen}")
    say(f"MLflow:  resnet-bench ui {here}{chosen}")
    if outcome.interrupted:
        say(f"Interrupted. To go on: {again}")
        raise typer.Exit(INTERRUPTED)
    for run_id, status in outcome.statuses.items():
        if status == "failed":
            say(f"failed: {runs[run_id].name}, see {store.run(run_id).log}")
        if status == "busy":
            say(f"busy: {runs[run_id].name} is being trained by another process. When that has")
            say(f"ended: {again}")
    if {"failed", "busy"} & set(outcome.statuses.values()):
        raise typer.Exit(RUNS_FAILED)


@app.command()
def report(
    suite: SuiteName, results: Results = Path("results"), tracking_uri: TrackingUri = None
) -> None:
    """Write a suite's tables, figures and report again, from the records alone."""
    store, name = _recorded(suite, results)
    if tracking_uri:
        _mirrored_report(store, name, tracking_uri, cells=[])
    else:
        _report(store, name)


@app.command()
def sync(
    suite: SuiteName, results: Results = Path("results"), tracking_uri: TrackingUri = None
) -> None:
    """Complete MLflow's copy of a suite's records. Doing it twice adds nothing."""
    from benchmark.records.tracking import default_tracking_uri

    store, name = _recorded(suite, results)
    uri = tracking_uri or default_tracking_uri(store)
    _mirrored_report(store, name, uri, store.suite(name).plan()["cells"])


@app.command()
def audit(
    build: Annotated[
        bool, typer.Option(help="Build each net in Keras too (about a minute) and count.")
    ] = True,
) -> None:
    """Parameters and multiply-adds of the paper's nets, beside its Tables 1 and 6."""
    from benchmark.models.audit import audit_rows

    header = ("net", "parameters", "counted", "Table 6", "", "GMACs", "counted", "Table 1", "")
    line = "{:28}{:>12}{:>12}{:>9} {:8}{:>8}{:>9}{:>9} {:8}"
    say(line.format(*header).rstrip())
    wrong = 0
    for row in audit_rows():
        expected, counted = row.arithmetic, row.counted() if build else None
        wrong += counted is not None and counted != expected
        millions, billions = row.published_parameters, row.published_multiply_adds
        texts = (
            f"{expected.parameters:,}",
            f"{counted.parameters:,}" if counted else "–",
            f"{millions.text}M" if millions else "–",
            f"{millions.difference:+.3f}{'' if millions.agrees else '*'}" if millions else "",
            f"{expected.multiply_adds / 1e9:.3f}",
            f"{counted.multiply_adds / 1e9:.3f}" if counted else "–",
            billions.text if billions else "–",
            f"{billions.difference:+.3f}{'' if billions.agrees else '*'}" if billions else "",
        )
        say(line.format(row.net, *texts).rstrip())
    say("Differences are ours less the paper's; * marks one that rounding does not explain.")
    if wrong:
        say(f"{wrong} nets differ between arithmetic and counting")
        raise typer.Exit(RUNS_FAILED)


@app.command()
def ui(
    results: Results = Path("results"),
    tracking_uri: TrackingUri = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="On 127.0.0.1.")] = 5000,
) -> None:
    """Open MLflow's UI on the records, on this machine alone (127.0.0.1). Where the records are
    on an MLflow server, print its links."""
    from benchmark.commands.ui import show

    show(results, tracking_uri, port)


def _load(path: Path):
    from benchmark.suite import SuiteError, load_suite

    try:
        return load_suite(path)
    except SuiteError as error:
        fail(str(error))


def _recorded(suite: str, results: Path):
    """The store, and the name of a suite of which at least one run has records there."""
    from benchmark.records.store import Store

    store = Store(results)
    name = _load(Path(suite)).suite.name if Path(suite).suffix in (".yaml", ".yml") else suite
    known = store.suites()
    if name not in known:
        fail(f"suite must have records in {results} ({', '.join(known) or 'none'}): {name}")
    cells = store.suite(name).plan()["cells"]
    if all(store.run(cell["run_id"]).status() == "planned" for cell in cells):
        rule = f"must have records in {results / 'runs'}, or its report there would be lost"
        fail(f"at least one run of the suite {rule}. Received: {name}, none of {len(cells)}")
    return store, name


def _report(store, name: str):
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


def _mirrored_report(store, name: str, uri: str, cells: list[dict]) -> None:
    """The report, and MLflow's copy of it and of the cells' runs. Where MLflow is away, nothing is
    written."""
    from benchmark.records.mlflow_mirror import MlflowMirror
    from benchmark.records.tracking import reaching

    with reaching(uri):
        mirror = MlflowMirror(store, name, uri)
        for cell in cells:
            mirror.mirror(cell)
    written = _report(store, name)
    with reaching(uri):
        mirror.mirror_suite(written.note, _artifacts(written))


def _artifacts(written) -> list[Path]:
    """What MLflow keeps of a report."""
    return [*written.figures, *written.frames, written.html]


if __name__ == "__main__":
    app()

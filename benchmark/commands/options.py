"""The arguments and options that several commands share."""

from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.commands.terminal import fail
from benchmark.running.where import OWN_CLUSTER, Where
from benchmark.shipped import suite_file

if TYPE_CHECKING:
    from benchmark.records.store import RunFolder


class Machines(StrEnum):
    """The machines on which runs are trained."""

    HERE, RAY = "here", "ray"


def _with_a_scheme(context: typer.Context, uri: str | None) -> str | None:
    """Reject a tracking URI that MLflow would take for a folder, unless MLflow is not used."""
    if (
        context.params.get("no_mlflow")
        or not uri
        or "://" in uri
        or uri.startswith(("sqlite:", "file:"))
        or uri in _WITHOUT
    ):
        return uri
    rule = "must begin with http:// or https:// (a server) or sqlite:/// (a file)"
    raise typer.BadParameter(f"{rule}. Received: {uri}")


_WITHOUT = ("databricks", "databricks-uc", "uc")
"""The URIs that MLflow accepts without a scheme."""


SuiteFile = Annotated[
    Path,
    typer.Argument(
        help="A suite's YAML file, or the name of one that comes with the package (quickstart, "
        "short/figure6).",
        callback=suite_file,
        show_default=False,
    ),
]
Suites = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        file_okay=False,
        help="A folder of suite files; by default those that come with the package.",
        show_default=False,
    ),
]
Run = Annotated[
    str,
    typer.Argument(
        help="Its id, its name in a suite (resnet20-A/seed0), its folder, or its MLflow run id.",
        show_default=False,
    ),
]
SuiteName = Annotated[str, typer.Argument(help="A suite's YAML file or name.", show_default=False)]
Jobs = Annotated[
    str,
    typer.Option(
        help="Runs trained at once, each on its share of the cores or on its own GPUs; auto: one "
        "for each GPU or, without any, for each core or as many as a run states in "
        "numerics.threads. It changes no run and no id.",
        metavar="N|auto",
    ),
]
On = Annotated[
    Machines, typer.Option("--on", help="This machine or a Ray cluster (needs the extra ray).")
]
Address = Annotated[
    str | None,
    typer.Option(
        help="Address of the Ray cluster (auto, HOST:PORT); by default one is started here.",
        show_default=False,
    ),
]
Results = Annotated[Path, typer.Option(file_okay=False, help="The folder of all records.")]
Reference = Annotated[
    Path | None,
    typer.Option(
        envvar="RESNET_BENCH_REFERENCE",
        file_okay=False,
        help="The reference's folder; by default the one that comes with the package.",
        show_default=False,
    ),
]
TrackingUri = Annotated[
    str | None,
    typer.Option(
        envvar="MLFLOW_TRACKING_URI",
        callback=_with_a_scheme,
        help="An MLflow server or database; by default SQLite in the results folder.",
        show_default=False,
    ),
]
NoMlflow = Annotated[
    bool,
    typer.Option(
        "--no-mlflow",
        is_eager=True,  # So that it is known when the tracking URI is checked.
        help="Do not use MLflow; resnet-bench sync can fill it in later.",
    ),
]
Cache = Annotated[
    Path | None,
    typer.Option(
        envvar="RESNET_BENCH_DATA",
        file_okay=False,
        help="The folder of decoded data sets; by default in the user's cache folder.",
        show_default=False,
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Set a field of the spec in all cells, in YAML: numerics.replicas=1. This is another "
        "suite, with its own runs, records and report. May be given several times.",
        metavar="FIELD=VALUE",
        show_default=False,
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        help="Only these variants; shell wildcards work ('resnet34-*'). May be given several "
        "times.",
        metavar="VARIANT",
        show_default=False,
    ),
]
Seeds = Annotated[
    str | None,
    typer.Option(
        help="Only these of the suite's seeds: 0-2, 0,3 or 0.", metavar="SEEDS", show_default=False
    ),
]


def found(
    run: str, results: Path, tracking_uri: str | None, *, weights: bool = False
) -> "AbstractContextManager[RunFolder]":
    """Find the records of ``run``: see ``tracking.lookup.found_run``."""
    from benchmark.records.store import Store
    from benchmark.tracking.lookup import found_run
    from benchmark.tracking.server import default_tracking_uri

    store = Store(results)
    uri = tracking_uri or default_tracking_uri(store)
    return found_run(store, run, uri, weights=weights)


def where_of(jobs: str, on: Machines, address: str | None) -> Where:
    """Return where runs are trained, by ``--jobs``, ``--on`` and ``--address``. If these do not fit
    together, end the command with an error."""
    if on is Machines.HERE and address is not None:
        fail(f"address is only for --on ray. Received: {address}")
    if jobs != "auto" and not (jobs.isdecimal() and int(jobs)):
        fail(f"jobs must be a number above 0, or auto. Received: {jobs}")
    if on is Machines.HERE:
        return Where(None if jobs == "auto" else int(jobs))
    if jobs != "auto":
        fail(f"jobs is for this machine; a cluster takes as many as fit. Received: {jobs}")
    return Where(ray=address or OWN_CLUSTER)

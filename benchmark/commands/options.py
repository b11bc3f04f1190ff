"""The arguments and options that several commands have."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Where(StrEnum):
    """Where runs are trained."""

    HERE, RAY = "here", "ray"


SuiteFile = Annotated[Path, typer.Argument(help="A suite's YAML file.", show_default=False)]
SuiteName = Annotated[str, typer.Argument(help="A suite's YAML file or name.", show_default=False)]
Jobs = Annotated[
    str | None,
    typer.Option(
        help="Runs trained at once, with equal shares of the cores, or a GPU each; auto: one for "
        "each GPU or core. A run has at most the threads of its share, and its id tells them.",
        metavar="N|auto",
        show_default=False,
    ),
]
On = Annotated[
    Where, typer.Option("--on", help="This machine, or a Ray cluster (needs the extra ray).")
]
Address = Annotated[
    str | None,
    typer.Option(
        help="Of the Ray cluster (auto, HOST:PORT); by default one is started on this machine.",
        show_default=False,
    ),
]
Results = Annotated[Path, typer.Option(file_okay=False, help="The folder of all records.")]
TrackingUri = Annotated[
    str | None,
    typer.Option(
        envvar="MLFLOW_TRACKING_URI",
        help="An MLflow server or database; by default SQLite in the results folder.",
        show_default=False,
    ),
]
NoMlflow = Annotated[
    bool,
    typer.Option("--no-mlflow", help="Without MLflow; resnet-bench sync can fill it in later."),
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

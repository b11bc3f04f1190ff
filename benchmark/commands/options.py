"""The arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

SuiteFile = Annotated[Path, typer.Argument(help="A suite's YAML file.", show_default=False)]
SuiteName = Annotated[str, typer.Argument(help="A suite's YAML file or name.", show_default=False)]
Results = Annotated[Path, typer.Option(file_okay=False, help="The folder of all records.")]
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
        file_okay=False,
        help="The folder of decoded data sets; by default in the user's cache folder.",
        show_default=False,
    ),
]

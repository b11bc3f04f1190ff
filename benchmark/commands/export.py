"""``resnet-bench export``: write a trained net as a file for use elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands.options import Results, Run, TrackingUri, found
from benchmark.commands.terminal import fail, say
from benchmark.export import Format


def export(
    run: Run,
    format_: Annotated[
        Format, typer.Option("--format", help="Keras, torch (safetensors) or ONNX.")
    ] = Format.KERAS,
    out: Annotated[
        Path | None,
        typer.Option(
            file_okay=False,
            help="By default exports/RUN in the results folder.",
            show_default=False,
        ),
    ] = None,
    results: Results = Path("results"),
    tracking_uri: TrackingUri = None,
) -> None:
    """Write a finished run's net, with its preprocessing, as a file for Keras, torch or ONNX, and a
    model card that describes its training and its scores."""
    from benchmark.export.write import export_run
    from benchmark.training import process

    process.configure_scoring()
    try:
        with found(run, results, tracking_uri, weights=True) as folder:
            written = export_run(folder, format_, out or results / "exports" / folder.run_id)
    except ImportError as error:
        fail(f"--format {format_} needs its extra: pip install 'resnet-bench[onnx]' ({error})")
    for file in written:
        say(f"wrote {file}")

"""``resnet-bench evaluate``: test finished runs by the paper's protocols."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmark.commands.options import Cache, Results, TrackingUri, found
from benchmark.commands.terminal import INTERRUPTED, fail, is_quiet, say


def evaluate(
    runs: Annotated[
        list[str],
        typer.Argument(
            help="Finished runs: by id, name (resnet20-A/seed0), folder, or MLflow run id. For "
            "several, the ensemble's error is also shown.",
            show_default=False,
        ),
    ],
    protocol: Annotated[
        str,
        typer.Option(
            help="center-crop, ten-crop, multi-scale or multi-scale-sliding, with shorter sides in "
            "pixels (ten-crop-256, multi-scale-224-256); by default 256, or 224, 256, 384, 480 "
            "and 640, for a crop of 224, and in proportion for others."
        ),
    ] = "ten-crop",
    results: Results = Path("results"),
    tracking_uri: TrackingUri = None,
    cache: Cache = None,
) -> None:
    """Test finished runs by the paper's protocols: every image once, in float32.

    The probabilities are kept in each run's folder: after Ctrl-C, the same command resumes.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress, TaskID

    from benchmark.running.images import use_cache
    from benchmark.spec.protocol import ProtocolName
    from benchmark.training import process
    from benchmark.worker import evaluate as evaluating

    use_cache(cache)
    process.configure_scoring()
    evaluated = []
    try:
        name = ProtocolName.of(protocol)
        console = Console(stderr=True, quiet=is_quiet())
        with ExitStack() as open_, Progress(console=console) as progress:
            for run in runs:
                folder = open_.enter_context(found(run, results, tracking_uri, weights=True))
                task = progress.add_task(escape(run), total=None)

                def tell(done: int, of: int, task: TaskID = task) -> None:
                    progress.update(task, completed=done, total=of)

                evaluated.append(evaluating.evaluate(folder, name, tell))
        for run, each in zip(runs, evaluated, strict=True):
            say(f"{run}: {_told(each.result)} ({each.result['protocol']})")
        if len(evaluated) > 1:
            say(f"ensemble of {len(evaluated)}: {_told(evaluating.ensemble(evaluated))}")
    except KeyboardInterrupt:
        say("Interrupted. Run the same command to resume.")
        raise typer.Exit(INTERRUPTED) from None
    except ValueError as error:
        fail(str(error))


def _told(result: Mapping[str, Any]) -> str:
    top5 = result["top5_error_percent"]
    told = f", top-5 {top5:.2f} %" if top5 is not None else ""
    return f"top-1 error {result['top1_error_percent']:.2f} %{told}, on {result['images']:,} images"

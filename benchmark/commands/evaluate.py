"""``resnet-bench evaluate``: test finished runs by the paper's protocols."""

from contextlib import ExitStack
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands.options import Cache, Results, TrackingUri
from benchmark.commands.terminal import INTERRUPTED, RUNS_FAILED, fail, say


class Looked(StrEnum):
    """How an image is looked at."""

    CENTER = "center-crop"
    TEN = "ten-crop"
    MULTI = "multi-scale"


def evaluate(
    runs: Annotated[
        list[str],
        typer.Argument(
            help="Finished runs: by id, name (resnet20-A/seed0), folder, or MLflow run id. Of "
            "several the ensemble is told, too.",
            show_default=False,
        ),
    ],
    protocol: Annotated[Looked, typer.Option(help="How each image is looked at.")] = Looked.TEN,
    shorter_side: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            help="To which the image is scaled, in pixels; for multi-scale several times. By "
            "default 256 (224, 256, 384, 480 and 640) at a crop of 224, and in proportion.",
            show_default=False,
        ),
    ] = None,
    results: Results = Path("results"),
    tracking_uri: TrackingUri = None,
    cache: Cache = None,
) -> None:
    """Test finished runs by the paper's protocols: every image once, in float32.

    The probabilities are kept in each run's folder: Ctrl-C, and the same command goes on.
    """
    from rich.console import Console
    from rich.progress import Progress

    from benchmark.commands.data import use_cache
    from benchmark.data.images import DataError
    from benchmark.execution import evaluating
    from benchmark.records.lookup import found_run
    from benchmark.records.store import Store
    from benchmark.records.tracking import default_tracking_uri

    use_cache(cache)
    store, protocol_of = Store(results), _protocol(protocol, shorter_side or [])
    evaluated = []
    try:
        with ExitStack() as open_, Progress(console=Console(stderr=True)) as progress:
            uri = tracking_uri or default_tracking_uri(store)
            for run in runs:
                folder = open_.enter_context(found_run(store, run, uri))
                task = progress.add_task(run, total=None)

                def tell(done: int, of: int, task=task) -> None:
                    progress.update(task, completed=done, total=of)

                evaluated.append(evaluating.evaluate(folder, protocol_of, tell))
        for run, each in zip(runs, evaluated, strict=True):
            say(f"{run}: {_told(each.result)} ({each.result['protocol']})")
        if len(evaluated) > 1:
            say(f"ensemble of {len(evaluated)}: {_told(evaluating.ensemble(evaluated))}")
    except KeyboardInterrupt:
        say("Interrupted. The same command goes on.")
        raise typer.Exit(INTERRUPTED) from None
    except DataError as error:
        fail(str(error), RUNS_FAILED)
    except ValueError as error:
        fail(str(error))


def _protocol(which: Looked, sides: list[int]):
    """From a net's crop to the protocol."""
    from benchmark.evaluation import protocols

    if which is Looked.MULTI:
        return partial(protocols.multi_scale, sides=sides)
    if len(sides) > 1:
        fail(f"shorter-side is given once, but for multi-scale. Received: {sides}")
    make = protocols.center_crop if which is Looked.CENTER else protocols.ten_crop
    return partial(make, side=sides[0] if sides else None)


def _told(result) -> str:
    return (
        f"top-1 error {result['top1_error_percent']:.2f} %, top-5 "
        f"{result['top5_error_percent']:.2f} %, of {result['images']:,} images"
    )

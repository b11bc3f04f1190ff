"""``resnet-bench replay`` and ``diff``: compare two runs bit for bit."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.commands.options import Cache, NoMlflow, Results, Run, TrackingUri, found
from benchmark.commands.terminal import INTERRUPTED, RUNS_FAILED, fail, is_quiet, note, say
from benchmark.counts import counted
from benchmark.events import Kind
from benchmark.status import Status

if TYPE_CHECKING:
    from benchmark.records.store import RunFolder, Store
    from benchmark.spec import RunSpec

_LISTED = 20
"""The maximum number of differences shown."""


def replay(
    run: Run,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Only the first epochs: a quick check.")
    ] = None,
    results: Results = Path("results"),
    tracking_uri: TrackingUri = None,
    no_mlflow: NoMlflow = False,
    cache: Cache = None,
) -> None:
    """Train a recorded run again, and compare every epoch's numbers and weights, bit for bit.

    Exit code 0: identical; 1: different, and the first epoch that differs is shown; 130: Ctrl-C.
    """
    from pydantic import ValidationError
    from rich.console import Console

    from benchmark.listening.progress import ProgressDisplay
    from benchmark.records.store import Store
    from benchmark.reproduction.replay import Recorded, scratch
    from benchmark.reproduction.replay import replay as train_again
    from benchmark.running.checks import require_usable
    from benchmark.running.images import use_cache
    from benchmark.spec import RunSpec
    from benchmark.suite import Cell

    use_cache(cache)
    with found(run, results, None if no_mlflow else tracking_uri) as folder:
        events, provenance = folder.events(), folder.provenance()
        try:
            spec = RunSpec.model_validate(folder.spec())
        except ValidationError as error:
            fail(f"{run} was recorded by a version with different fields: {error}")
    if not any(event["event"] == Kind.EPOCH for event in events):
        fail(f"run must have recorded an epoch. Received: {run}, which has none")
    store = Store(results)
    source = _source(spec, store)
    require_usable([spec], store, say=note)
    recorded, cell = Recorded(spec, events, provenance), Cell("replay", spec.seed, spec)
    with scratch(source) as aside, ProgressDisplay([cell], Console(quiet=is_quiet())) as display:
        done = train_again(recorded, aside, [display], epochs)
    epochs_have = counted(done.expected, "epoch has", "epochs have")
    if done.identical:
        say(f"identical: {epochs_have} the same numbers and weights, bit for bit")
        return
    if done.same_weights:
        say(f"identical weights: {epochs_have} the same, bit for bit; scored losses differ")
        _list(done.curves.first)
        return
    if done.status == Status.INTERRUPTED and not done.curves.first:
        say(f"interrupted; identical so far: {counted(done.curves.epochs, 'epoch')}")
        raise typer.Exit(INTERRUPTED)
    if done.curves.first:
        say(f"not identical: epoch {done.curves.epochs} is the first that differs")
        _list(done.curves.first)
    else:
        say(f"stopped before the end: {done.status} {done.reason}")
    for event in events:
        if event["event"] == Kind.RESUME and event["differs"]:
            say("The recorded run was itself resumed under different conditions:")
            _list(event["differs"])
    say("The conditions differ in:" if done.environment else "No known condition differs.")
    _list(done.environment)
    raise typer.Exit(RUNS_FAILED)


def diff(
    one: Run, other: Run, results: Results = Path("results"), tracking_uri: TrackingUri = None
) -> None:
    """Show what differs between two runs: spec, versions and machine, and curves.

    Exit code 0: no differences; 1: differences.
    """
    from benchmark.records.comparison import compare_curves, differences

    with (
        found(one, results, tracking_uri) as left,
        found(other, results, tracking_uri) as right,
    ):
        spec = differences(left.spec() or {}, right.spec() or {})
        around = differences(left.provenance(), right.provenance())
        curves = compare_curves(left.events(), right.events())
    for title, differing in (("spec", spec), ("versions and machine", around)):
        if differing:
            say(f"{title}:")
            _list(differing)
    if curves.first:
        say(f"curves: epoch {curves.epochs} is the first that differs")
        _list(curves.first)
    else:
        alike = counted(curves.epochs, "epoch is", "epochs are")
        say(f"curves: {alike} identical, weights included")
    shorter = curves.lengths[0] != curves.lengths[1]
    if shorter:
        say("epochs: {} and {}".format(*curves.lengths))
    if spec or around or curves.first or shorter:
        raise typer.Exit(RUNS_FAILED)


def _source(spec: "RunSpec", store: "Store") -> "RunFolder | None":
    """Return the folder of the run whose weights a run started from, or None if there is none."""
    if spec.source is None:
        return None
    source = store.run(spec.source)
    if source.status() != Status.FINISHED:
        fail(
            f"the run whose weights it started from must be in {store.root}. "
            f"Received: {source.run_id}, which is {source.status()}"
        )
    return source


def _list(differing: Sequence[object]) -> None:
    for difference in differing[:_LISTED]:
        say(f"  {difference}")
    if len(differing) > _LISTED:
        say(f"  and {len(differing) - _LISTED} more")

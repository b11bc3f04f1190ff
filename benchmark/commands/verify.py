"""``resnet-bench verify``: check whether reference runs give the same results here."""

import signal
from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.commands.budget import seconds_of
from benchmark.commands.options import Cache, Reference
from benchmark.commands.terminal import RUNS_FAILED, fail, is_quiet, note, say
from benchmark.counts import counted
from benchmark.problems import InputError
from benchmark.running.budget import ended_after
from benchmark.running.images import require_images, use_cache
from benchmark.status import Status

if TYPE_CHECKING:
    from benchmark.reproduction.replay import Replayed
    from benchmark.reproduction.verify import Candidate, Verified
    from benchmark.spec import RunSpec


def verify(
    budget: Annotated[
        str, typer.Option(help="How long it may take: 10m, 2h, 1h30m.", metavar="TIME")
    ] = "10m",
    reference: Reference = None,
    cache: Cache = None,
) -> None:
    """Train reference runs again, the cheapest first, and compare each epoch bit for bit.

    Exit code 0: all runs trained to the end have identical weights, or ran on a different class of
    processor from their reference; 1: one does not, or none has.
    """
    from rich.console import Console

    from benchmark.listening.progress import ProgressDisplay
    from benchmark.records.reference import reference_folder
    from benchmark.records.store import Store
    from benchmark.reproduction import verify as execution
    from benchmark.reproduction.replay import Recorded, replay, scratch
    from benchmark.suite import Cell

    seconds = seconds_of(budget)
    use_cache(cache)
    store = Store(reference or reference_folder())
    found, left = execution.candidates(store, _missing)
    if not found and not left:
        fail(f"reference must hold records of runs. Received: {store.root}, which has none")
    there = counted(len(found), "reference run")
    note(f"{there} can be trained again here, the cheapest first, for at most {budget}.")

    def train(candidate: "Candidate", aside: Store) -> "Replayed":
        folder = candidate.folder
        recorded = Recorded(candidate.spec, folder.events(), folder.provenance())
        cell = Cell(candidate.name, candidate.spec.seed, candidate.spec)
        with ProgressDisplay([cell], Console(quiet=is_quiet())) as display:
            return replay(recorded, aside, [display])

    signal.signal(signal.SIGINT, signal.default_int_handler)
    done: list[Verified] = []
    try:
        with scratch() as aside, ended_after(seconds):
            for each in execution.verify(found, lambda run: train(run, aside), seconds):
                done.append(each)
                _say_one(each, (execution.OTHER, execution.WEIGHTS))
    except KeyboardInterrupt:
        pass  # The budget ran out, or Ctrl-C, between two runs.
    outcomes = [each.outcome for each in done]
    unlike = [each for each in done if each.outcome in (execution.OTHER, execution.FAILED)]
    broken = any(each.same_class or each.outcome == execution.FAILED for each in unlike)
    same, weights = outcomes.count(execution.SAME), outcomes.count(execution.WEIGHTS)
    ended = len(outcomes) - outcomes.count(execution.STOPPED)
    say(f"{same} of {counted(ended, 'reference run')} came out the same, bit for bit.")
    if weights:
        have = counted(weights, "more has", "more have")
        say(f"{have} the same weights after every epoch, bit for bit; scored losses differ.")
    differ = {each.candidate.run_id for each in unlike}
    if behind := sum(not differ.isdisjoint(each.sources) for each in found):
        say(f"{counted(behind, 'run starts', 'runs start')} from weights that are different here.")
    if beyond := len(found) - ended - behind:
        say(f"{counted(beyond, 'more was', 'more were')} not trained to the end within {budget}.")
    for why, count in left.items():
        say(f"{count} cannot be trained again here: {why}")
    if broken or not (same or weights):
        raise typer.Exit(RUNS_FAILED)


def _say_one(each: "Verified", explained: Collection[str]) -> None:
    # The budget interrupts a run as Ctrl-C does.
    interrupted = each.replayed.status == Status.INTERRUPTED
    why = f" ({each.replayed.reason})" if each.replayed.reason and not interrupted else ""
    say(f"{each.outcome}: {each.candidate.name}, {each.took_s:.0f} s{why}")
    if each.outcome not in explained:
        return
    curves = each.replayed.curves
    first = f"epoch {curves.epochs} is the first that differs"
    where = first if curves.first else each.replayed.status
    processor = "the same class of" if each.same_class else "another"
    say(f"  {where}; on {processor} processor")
    for difference in (*curves.first[:3], *each.replayed.environment[:5]):
        say(f"  {difference}")


def _missing(spec: "RunSpec") -> str | None:
    try:
        require_images([spec.dataset])
    except InputError:
        return f"the images of {spec.dataset.name} are not here (resnet-bench data)"
    return None

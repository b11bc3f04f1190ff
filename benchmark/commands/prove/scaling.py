"""``resnet-bench prove scaling``: measure the engine's own cost, with runs that only sleep."""

from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands.options import Results
from benchmark.commands.terminal import fail, note, say


def scaling(
    runs: Annotated[int, typer.Option(min=1, help="Runs in each place.")] = 1000,
    seconds: Annotated[float, typer.Option(min=0, help="How long each run sleeps.")] = 0.1,
    results: Results = Path("results"),
) -> None:
    """Measure starting, following and recording runs, in 1 and 2 processes and on 1, 2 and 4 Ray
    nodes, and reports of up to 10,000 runs.

    Nothing is trained: sleeping processes stand in for runs. Needs the extra ray and an otherwise
    idle machine.
    """
    from importlib.util import find_spec

    from benchmark.proof.speed.scaling import write_scaling

    if find_spec("ray") is None:
        fail("scaling needs Ray: pip install 'resnet-bench[ray]'")
    say(f"table: {write_scaling(results / 'scaling', runs, seconds, note)}")

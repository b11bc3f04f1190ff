"""``resnet-bench prove crosscheck``: compare our training step with another framework's."""

from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands.options import Results
from benchmark.commands.terminal import RUNS_FAILED, fail, note, require_known, say


def crosscheck(
    net: Annotated[
        list[str] | None,
        typer.Option(help="resnet20-A (the default), resnet20-B, plain20, resnet56-A; repeatable."),
    ] = None,
    iterations: Annotated[int, typer.Option(min=1, max=1000, help="Steps on each side.")] = 20,
    batch: Annotated[int, typer.Option(min=2, max=5000, help="Images per step.")] = 128,
    results: Results = Path("results"),
) -> None:
    """Train the same net, from the same weights, on the same images, in TensorFlow and in JAX.

    Shows whether they agree before the first step, and how fast they drift apart afterwards. Takes
    minutes. Needs the extra jax. Exit code 1 if they disagree.
    """
    from importlib.util import find_spec

    from benchmark.proof.crosscheck.case import NETS
    from benchmark.proof.crosscheck.record import check

    nets = net or ["resnet20-A"]
    require_known("--net", nets, NETS)
    if find_spec("jax") is None:
        fail("crosscheck needs JAX: pip install 'resnet-bench[jax]'")
    page, wrong = check(nets, results / "crosscheck", iterations=iterations, batch=batch, say=note)
    say(f"table: {page}")
    if wrong:
        raise typer.Exit(RUNS_FAILED)

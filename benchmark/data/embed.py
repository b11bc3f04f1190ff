"""Rebuild the embedded subset from the full set: ``python -m benchmark.data.embed``."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

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
    """Write ``images`` to ``folder``: for each split a PNG with the images one below the other, and
    a JSON list of labels."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, (sheets, labels) in cifar10.SHEETS.items():
        pixels = images.arrays()[f"{split}_images"]
        Image.fromarray(pixels.reshape(-1, *pixels.shape[2:])).save(
            folder / sheets[0], optimize=True
        )
        (folder / labels).write_text(json.dumps(images.arrays()[f"{split}_labels"].tolist()))


if __name__ == "__main__":
    chosen = subset(cifar10.load("cifar10"))
    write(chosen, cifar10.EMBEDDED)
    print(f"{cifar10.EMBEDDED}: SHA-256 of pixels and labels {chosen.sha256}")

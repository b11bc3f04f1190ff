"""CIFAR-10 as files: one folder per class, laid out like photographs."""

from pathlib import Path

from benchmark.data import cifar10
from benchmark.data.cache import replacing


def export(name: str, folder: Path) -> int:
    """Write ``folder/train/CLASS/00000.png`` and ``folder/val/CLASS/00000.png``, numbered in the
    official order, all or nothing, replacing what the folder held. Returns the number of files.

    The files are not compressed, so that every version of the library gives the same bytes. Raises
    DataError if the images are not in the cache.
    """
    from PIL import Image

    images = cifar10.load(name)
    splits = {
        "train": (images.train_images, images.train_labels),
        "val": (images.test_images, images.test_labels),
    }
    with replacing(folder) as aside:
        for split, (pixels, labels) in splits.items():
            for each in cifar10.CLASSES:
                (aside / split / each).mkdir(parents=True)
            for number, (image, label) in enumerate(zip(pixels, labels, strict=True)):
                file = aside / split / cifar10.CLASSES[label] / f"{number:05d}.png"
                Image.fromarray(image).save(file, compress_level=0)
    return sum(len(labels) for _, labels in splits.values())

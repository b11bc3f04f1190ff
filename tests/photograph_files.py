"""Files made of the two photographs that scikit-learn ships, for the tests of photographs."""

import io
from importlib.resources import files

import numpy as np
from PIL import Image

from benchmark.spec import ContentSpec, PhotographsSpec

CLASSES = ("china", "flower")


def photograph(name):
    """(427, 640, 3) uint8."""
    content = (files("sklearn.datasets") / "images" / f"{name}.jpg").read_bytes()
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def cut(name, number):
    """One of many different parts of a photograph, of different sizes and ratios."""
    pixels = photograph(name)
    height, width = 90 + 37 * (number * 5 % 7), 100 + 53 * (number * 3 % 8)
    top = number * 29 % (427 - height) if height < 427 else 0
    return pixels[top : top + height, number * 31 % (640 - width) :][:, :width]


def encoded(pixels, kind="JPEG", **options):
    file = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(file, kind, **({"quality": 90} if kind == "JPEG" else {}), **options)
    return file.getvalue()


def make_tree(root, train=6, test=3, scored="val"):
    """``train`` and ``test`` files of each class."""
    for split, first, count in (("train", 0, train), (scored, train, test)):
        for name in CLASSES:
            for number in range(first, first + count):
                path = root / split / name / f"{name}_{number}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(encoded(cut(name, number), subsampling=2 * (number % 2)))
    return root


def names(columns):
    return [name.decode("utf-8", "surrogateescape") for name in columns["name"].tolist()]


def spec_of(added, **fields):
    fields = {"crop_size": 32} | fields
    content = ContentSpec.model_validate(added.content.model_dump())
    return PhotographsSpec.model_validate({"name": added.name, "content": content} | fields)

"""Files in COCO's format, of the photographs that scikit-learn ships, for the tests of boxes."""

import json

from photograph_files import cut, encoded

from benchmark.data.detection import coco_json
from benchmark.spec import BoxesSpec

CATEGORIES = [{"id": 9, "name": "flower"}, {"id": 4, "name": "china"}]
"""Neither in the order of their ids nor without gaps."""


def image(number):
    """Wide ones and high ones."""
    pixels = cut("china" if number % 2 else "flower", number)
    return pixels if number % 3 else pixels.transpose(1, 0, 2)


def box(number, category_id=9, bbox=(10, 20, 30, 40), **fields):
    return {"image_id": number, "category_id": category_id, "bbox": list(bbox)} | fields


def make_split(root, split, numbers, annotations, **fields):
    """A JSON file and the folder of its images."""
    folder = root / split
    folder.mkdir(parents=True, exist_ok=True)
    images = []
    for number in numbers:
        pixels = image(number)
        name = f"{number:04d}.jpg"
        (folder / name).write_bytes(encoded(pixels))
        height, width = pixels.shape[:2]
        images.append({"id": number, "file_name": name, "height": height, "width": width})
    file = root / f"{split}.json"
    data = {"images": images, "annotations": annotations, "categories": CATEGORIES} | fields
    file.write_text(json.dumps(data))
    return file, folder


def make_set(root, train=7, test=5):
    """The two splits of a set, each image with a box or two; of the last training image none."""
    return [
        make_split(
            root,
            split,
            range(first, first + count),
            [
                box(number, (9, 4)[number % 2], (number % 100, 2 * (number % 100), 30, 42))
                for number in [*range(first, first + count - (split == "train")), first]
            ],
        )
        for split, first, count in (("train", 1, train), ("test", 101, test))
    ]


def add(name, root, **counts):
    return coco_json.add(name, *make_set(root, **counts))


def spec_of(added, **fields):
    fields = {"shorter_side": 48, "longest_side": 90, "max_boxes": 4} | fields
    return BoxesSpec(name=added.name, content=added.content, **fields)

"""The set that is made of embedded CIFAR images: what is on its canvases, and where."""

import numpy as np
import pytest
from PIL import Image

from benchmark.data.detection import pasted, registry
from benchmark.data.detection.pasted import MAX_OVERLAP, Pasted, canvas, layout, overlap
from benchmark.spec import BoxesSpec, PastedSpec

SPEC = PastedSpec(train_canvases=40, test_canvases=30)


def test_overlap_is_a_part_of_the_smaller_one():
    big = Pasted(0, left=0, top=0, side=40)
    assert overlap(big, Pasted(0, left=30, top=30, side=20)) == 0.25
    assert overlap(Pasted(0, left=30, top=30, side=20), big) == 0.25
    assert overlap(big, Pasted(0, left=10, top=10, side=20)) == 1
    assert overlap(big, Pasted(0, left=40, top=0, side=20)) == 0
    assert overlap(big, Pasted(0, left=50, top=60, side=20)) == 0


def test_boxes_lie_where_the_images_lie(embedded):
    scales = {"min_scale": 1.0, "max_scale": 1.0}
    spec = PastedSpec(**scales)
    for split in ("train", "test"):
        images = embedded.arrays()[f"{split}_images"]
        labels = embedded.arrays()[f"{split}_labels"]
        for index in range(20):
            drawn, truth = canvas(spec, split, index), pasted.example(spec, split, index)
            x1, y1, x2, y2 = truth.boxes[-1].astype(int)  # The last one hides what is below it.
            assert (x2 - x1, y2 - y1) == (32, 32)
            (match,) = np.flatnonzero((images == drawn[y1:y2, x1:x2]).all((1, 2, 3)))[:1]
            assert labels[match] == truth.labels[-1]


def test_an_image_that_is_scaled_keeps_what_it_shows(embedded):
    for index in range(20):
        last = layout(SPEC, "train", index).objects[-1]
        part = canvas(SPEC, "train", index)[last.top : last.top + last.side, last.left :]
        back = Image.fromarray(part[:, : last.side]).resize((32, 32), Image.Resampling.BILINEAR)
        original = embedded.train_images[last.image].astype(int)
        assert np.abs(np.asarray(back) - original).mean() < 12
        assert last.side == pasted.example(SPEC, "train", index).areas[-1] ** 0.5


def test_numbers_scales_and_overlap_keep_to_the_spec():
    counts, sides = [], []
    for split in ("train", "test"):
        for index in range(200):
            objects = layout(SPEC, split, index).objects
            counts.append(len(objects))
            sides += [each.side for each in objects]
            for place, one in enumerate(objects):
                assert min(one.left, one.top) >= 0
                assert max(one.left, one.top) + one.side <= SPEC.side
                assert all(overlap(one, other) <= MAX_OVERLAP for other in objects[:place])
    assert {*counts} == {1, 2, 3, 4}
    assert (min(sides), max(sides)) == (24, 48)
    assert max(np.bincount(sides)) < 3 * np.mean(np.bincount(sides)[24:])


def test_a_canvas_is_a_function_of_seed_split_and_index_alone():
    first = canvas(SPEC, "train", 5)
    canvas(SPEC, "train", 6)
    np.testing.assert_array_equal(canvas(SPEC, "train", 5), first)
    more = SPEC.model_copy(update={"train_canvases": 4000})
    np.testing.assert_array_equal(canvas(more, "train", 5), first)
    other = SPEC.model_copy(update={"seed": 1})
    for drawn in (canvas(other, "train", 5), canvas(SPEC, "test", 5), canvas(SPEC, "train", 4)):
        assert np.any(drawn != first)


def test_backgrounds():
    plain = canvas(SPEC.model_copy(update={"background": "plain"}), "train", 5)
    truth = pasted.example(SPEC, "train", 5)
    free = np.full((128, 128), True)
    for x1, y1, x2, y2 in truth.boxes.astype(int):
        free[y1:y2, x1:x2] = False
    assert len(np.unique(plain[free], axis=0)) == 1
    photograph = canvas(SPEC, "train", 5)
    assert len(np.unique(photograph[free], axis=0)) > 100
    assert photograph[free].max() <= 127, "darkened by half"
    np.testing.assert_array_equal(photograph[~free], plain[~free])


def test_the_set_is_whole():
    found = registry.load(BoxesSpec(name="pasted-cifar", pasted=SPEC))
    assert (len(found.truths["train"]), len(found.truths["test"])) == (40, 30)
    assert found.classes[:2] == ["airplane", "automobile"] and len(found.category_ids) == 10
    assert found.content.classes == 10
    other = registry.load(
        BoxesSpec(name="pasted-cifar", pasted=SPEC.model_copy(update={"seed": 1}))
    )
    assert other.sha256 != found.sha256
    np.testing.assert_array_equal(
        found.truths["test"][3].boxes, pasted.example(SPEC, "test", 3).boxes
    )
    assert found.degenerate == {"train": 0, "test": 0}
    found.images.check()


def test_of_some_classes_alone(embedded):
    spec = BoxesSpec(name="pasted-cifar", pasted=SPEC.model_copy(update={"only_classes": (9, 2)}))
    found = registry.load(spec)
    assert (found.classes, spec.classes) == (["truck", "bird"], 2)
    assert {*found.truths["train"].labels.tolist()} == {0, 1}
    for index in range(10):
        last = layout(spec.pasted, "test", index).objects[-1]
        label = pasted.example(spec.pasted, "test", index).labels[-1]
        labels = embedded.test_labels[np.isin(embedded.test_labels, (2, 9))]
        assert labels[last.image] == (9, 2)[label] and len(labels) == 200


@pytest.mark.parametrize("most", [1, 16])
def test_where_no_room_is_left_there_are_fewer_objects(most):
    spec = PastedSpec(max_objects=most, min_scale=2.0, max_scale=2.0)
    counts = [len(layout(spec, "train", index).objects) for index in range(50)]
    assert min(counts) == 1
    assert max(counts) <= min(most, 9)

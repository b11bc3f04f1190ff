"""Batches of images with boxes: their order, scale, flips and places."""

import numpy as np
import pytest
import tensorflow as tf
from detection_files import add, image, spec_of

from benchmark.data import cache
from benchmark.data.detection import pasted, registry
from benchmark.data.detection.feed import DetectionFeed
from benchmark.data.detection.geometry import Sides, shown_boxes
from benchmark.data.detection.order import batch_of
from benchmark.data.images import DataError
from benchmark.data.order import shown
from benchmark.spec import BoxesSpec, PastedSpec


@pytest.fixture(scope="module")
def added(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cache.VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield add("mine", tmp_path_factory.mktemp("set"))


def feed(added, workers=2, **fields):
    return DetectionFeed(spec_of(added, **fields), added, workers=workers)


def arrays(batch):
    return [np.asarray(each) for each in batch]


# Scale


@pytest.mark.parametrize(
    ("size", "scaled"),
    [
        ((480, 640), (600, 800)),
        ((640, 480), (800, 600)),
        ((500, 500), (600, 600)),
        ((300, 500), (600, 1000)),
        ((299, 500), (598, 1000)),
        ((100, 1000), (100, 1000)),
        ((3000, 1), (1000, 1)),
        ((427, 640), (600, 899)),
    ],
)
def test_the_shorter_side_is_600_unless_the_longer_one_is_over_1000(size, scaled):
    assert Sides(600, 1000).scaled(*size) == scaled


def test_the_room_of_a_batch():
    assert Sides(600, 1000).room(high=False) == Sides(600, 1000).room(high=True) == (1024, 1024)
    assert Sides(600, 1000, True).room(high=False) == (608, 1024)
    assert Sides(600, 1000, True).room(high=True) == (1024, 608)
    assert Sides(128, 128).room(high=False) == (128, 128)


def test_boxes_are_scaled_and_mirrored():
    boxes = np.array([[10, 20, 50, 100]], np.float32)
    np.testing.assert_array_equal(
        shown_boxes(boxes, 200, 100, (100, 50)), [[5.0, 10.0, 25.0, 50.0]]
    )
    np.testing.assert_array_equal(
        shown_boxes(boxes, 200, 100, (100, 50), flip=True), [[25.0, 10.0, 45.0, 50.0]]
    )
    np.testing.assert_allclose(  # Each direction by its own factor: 3 to 5, 7 to 12.
        shown_boxes(np.array([[0, 0, 7, 3]], np.float32), 3, 7, (5, 12)), [[0, 0, 12, 5]]
    )


# Order


def test_of_one_group_the_order_is_that_of_all_training():
    for high in (np.zeros(11, bool), np.ones(11, bool)):
        for iteration in (0, 1, 5, 17):
            indices, epochs = batch_of(3, iteration, 4, high)
            expected = shown(3, iteration, 1, 4, 11)
            np.testing.assert_array_equal(indices, expected[0][0])
            np.testing.assert_array_equal(epochs, expected[1][0])


@pytest.mark.parametrize(("count", "high", "batch_size"), [(23, 6, 4), (9, 1, 4), (30, 15, 1)])
def test_batches_of_one_group_show_each_image_once_an_epoch(count, high, batch_size):
    group = np.arange(count) < high
    seen = {False: [], True: []}
    for iteration in range(12 * count // batch_size):
        indices, epochs = batch_of(5, iteration, batch_size, group)
        (kind,) = {*group[indices].tolist()}
        seen[kind] += [*zip(epochs.tolist(), indices.tolist(), strict=True)]
    for kind, rows in seen.items():
        size = (group == kind).sum()
        assert len(rows) // size >= 9
        for epoch in range(len(rows) // size):
            part = rows[epoch * size : (epoch + 1) * size]
            assert sorted(part) == [(epoch, i) for i in range(count) if group[i] == kind]


def test_a_batch_of_a_group_is_due_when_its_images_are_there():
    group = np.arange(10) < 3
    buckets, expected = {False: [], True: []}, []
    for epoch in range(6):  # Image after image, as they come.
        for index in shown(2, 0, 1, 10 * (epoch + 1), 10)[0][0, 10 * epoch :].tolist():
            bucket = buckets[bool(group[index])]
            bucket.append(index)
            if len(bucket) == 4:
                expected.append(bucket[:])
                bucket.clear()
    received = [batch_of(2, i, 4, group)[0].tolist() for i in range(len(expected))]
    assert received == expected


# Training


def test_a_batch_of_canvases():
    """At their own size pixels are what they are, so that places can be checked exactly."""
    spec = BoxesSpec(name="pasted-cifar", pasted=PastedSpec(train_canvases=6), max_boxes=5)
    found = registry.load(spec)
    data = DetectionFeed(spec, found, workers=2)
    flips = set()
    for iteration in range(4):
        indices, _ = shown(3, iteration, 1, 2, 6)
        pixels, sizes, boxes, labels, crowds = arrays(data.train_batch(3, 2, iteration))
        assert pixels.shape == (2, 128, 128, 3) and sizes.tolist() == [[128, 128]] * 2
        for place, index in enumerate(indices[0].tolist()):
            truth = found.truths["train"][index]
            count, expected = len(truth.boxes), truth.boxes
            canvas = pasted.canvas(spec.pasted, "train", index)
            if not np.array_equal(pixels[place], canvas):
                canvas, flips = canvas[:, ::-1], flips | {index}
                expected = np.stack(
                    [128 - expected[:, 2], expected[:, 1], 128 - expected[:, 0], expected[:, 3]], 1
                )
            np.testing.assert_array_equal(pixels[place], canvas)
            np.testing.assert_array_equal(boxes[place, :count], expected)
            np.testing.assert_array_equal(labels[place, :count], truth.labels)
            assert not boxes[place, count:].any() and (labels[place, count:] == -1).all()
    assert not crowds.any() and 0 < len(flips) < 6


def test_a_batch_of_photographs(added):
    data = feed(added, flip=False)
    assert (data.train_count, len(added.truths["train"])) == (6, 7), "one has no objects"
    indices, _ = shown(3, 0, 1, 6, 6)
    pixels, sizes, boxes, labels, _ = arrays(data.train_batch(3, 6, 0))
    assert pixels.shape == (6, 96, 96, 3)
    for place, index in enumerate(indices[0].tolist()):
        original = image(index + 1)
        height, width = original.shape[:2]
        down, across = sizes[place]
        assert min(down, across) == 48 or max(down, across) == 90
        near = tf.image.resize(original.astype(np.float32), (down, across), antialias=True)
        difference = np.abs(pixels[place, :down, :across] - near)
        assert difference.mean() < 4, "but for what the JPEG lost"
        assert not pixels[place, down:].any() and not pixels[place, :, across:].any()
        truth = added.truths["train"][index].boxes
        factors = np.array([across / width, down / height] * 2)
        limit = np.array([across, down] * 2)
        expected = np.minimum(truth * factors, limit)
        np.testing.assert_allclose(boxes[place, : len(truth)], expected, atol=1e-3)
        assert (labels[place] >= 0).sum() == len(truth)


def test_flips_mirror_pixels_within_the_image(added):
    plain, mirrored = (feed(added, flip=flip).train_batch(3, 6, 0) for flip in (False, True))
    flipped = 0
    for place in range(6):
        height, width = plain.sizes[place].numpy()
        one, other = (batch.pixels[place].numpy() for batch in (plain, mirrored))
        count = int((plain.labels[place] >= 0).numpy().sum())
        boxes, others = (batch.boxes[place, :count].numpy() for batch in (plain, mirrored))
        if np.array_equal(one, other):
            np.testing.assert_array_equal(boxes, others)
            continue
        flipped += 1
        np.testing.assert_array_equal(other[:height, :width], one[:height, :width][:, ::-1])
        assert not other[height:].any() and not other[:, width:].any()
        np.testing.assert_allclose(others[:, [2, 0]], width - boxes[:, [0, 2]], atol=1e-4)
    assert 0 < flipped < 6


@pytest.mark.parametrize("padding", ["square", "by-orientation"])
def test_going_on_from_the_middle_gives_what_comes_without_a_stop(added, padding):
    whole = feed(added, padding=padding, workers=1)
    expected = [arrays(whole.train_batch(3, 2, iteration)) for iteration in range(8)]
    again = feed(added, padding=padding, workers=3)
    for iteration in (5, 6, 2, 3, 3, 0, 7):
        received = again.train_batch(3, 2, iteration)
        for one, other in zip(arrays(received), expected[iteration], strict=True):
            np.testing.assert_array_equal(one, other)
        for each, spec in zip(received, again.train_signature(2), strict=True):
            assert spec.is_compatible_with(each)
    shapes = {batch[0].shape[1:3] for batch in expected}
    assert shapes == ({(96, 96)} if padding == "square" else {(64, 96), (96, 64)})
    other = feed(added, padding=padding).train_batch(4, 2, 0)
    assert not all(map(np.array_equal, arrays(other), expected[0]))


def test_what_does_not_fit_a_batch_is_an_error(added):
    with pytest.raises(DataError, match=r"max_boxes must be at least 2.*Received: 1"):
        feed(added, max_boxes=1)
    assert feed(added, train_without_objects=True).train_count == 7


# Scoring


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("padding", ["square", "by-orientation"])
@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_each_scored_image_comes_once(added, split, padding, batch_size):
    batches = list(feed(added, padding=padding).scored_batches(split, batch_size))
    truths = added.truths[split]
    ids = np.concatenate([batch.ids for batch in batches]).tolist()
    assert sorted(ids) == truths.ids.tolist()
    if padding == "square":
        assert ids == truths.ids.tolist()
    sizes = {int(number): truths[place] for place, number in enumerate(truths.ids)}
    for batch in batches:
        assert len(batch.pixels) == len(batch.ids) <= batch_size
        for number, original, scaled in zip(
            batch.ids, batch.originals.numpy(), batch.sizes.numpy(), strict=True
        ):
            assert original.tolist() == [sizes[number].height, sizes[number].width]
            assert tuple(scaled) == Sides(48, 90).scaled(*original)


def test_a_test_at_another_scale(added):
    (batch,) = feed(added).scored_batches("test", 100, Sides(32, 64))
    assert batch.pixels.shape == (5, 64, 64, 3)
    assert (batch.sizes.numpy().max(axis=1) <= 64).all()


def test_a_file_that_went_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    added = add("mine", tmp_path)
    data = feed(added)
    (tmp_path / "test" / "0103.jpg").unlink()
    with pytest.raises(DataError, match=r"0103\.jpg must be as it was"):
        list(data.scored_batches("test", 2))

"""A run's photographs: their order, their pixels, how far ahead they are read, and who is told what
where files are missing, damaged or changed."""

import dataclasses
import hashlib
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from photograph_files import make_tree, spec_of

from benchmark.data import cache
from benchmark.data.order import shown
from benchmark.data.photographs import geometry, registry
from benchmark.data.photographs.decode import decoded_windows, header, request, resampled, rows_of
from benchmark.data.photographs.held_out import fixed_order, parted
from benchmark.data.photographs.statistics import measured
from benchmark.data.photographs.stream import StreamedImages


@pytest.fixture(scope="module", autouse=True)
def cache_of_its_own(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cache.VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def added(tmp_path_factory):
    return registry.add("two", make_tree(tmp_path_factory.mktemp("tree")))


class Stream(StreamedImages):
    """One that knows its run's seed and batches."""

    def __init__(self, *arguments, seed, batch_size, **others):
        super().__init__(*arguments, **others)
        self.seed, self.batch_size = seed, batch_size

    def inputs(self, first, steps):
        return self.train_inputs(self.seed, self.batch_size, first, steps)


def stream(added, batch_size=5, seed=3, workers=2, **fields):
    spec = spec_of(added, **fields)
    return Stream(spec, added, seed=seed, batch_size=batch_size, workers=workers)


def arrays(inputs):
    return [each.numpy() for each in inputs]


def view(added, split, index, window_of):
    content = added.source.encoded(split, index)
    about = header(content)
    return decoded_windows(request(content, about, [window_of(about.height, about.width)]))[0]


# Training


def test_a_batch_is_its_photographs_views(added):
    data = stream(added)
    pixels, lighting, labels = arrays(data.inputs(4, 1))
    indices, epochs = shown(3, 4, 1, 5, 12)  # Spans two epochs: images 20 to 24 of 12 each.
    assert {*epochs.ravel().tolist()} == {1, 2}
    assert (pixels.shape, pixels.dtype) == ((1, 5, 32, 32, 3), np.uint8)
    assert (lighting.shape, lighting.dtype) == ((1, 5, 3), np.float32)
    for place, (index, epoch) in enumerate(zip(indices[0], epochs[0], strict=True)):
        expected = view(
            added,
            "train",
            index,
            lambda h, w, e=epoch, i=index: geometry.scale_crop(
                h, w, (36, 68), 32, 3, int(e), int(i)
            ),
        )
        np.testing.assert_array_equal(pixels[0, place], expected)
    np.testing.assert_array_equal(labels[0], [index // 6 for index in indices[0]])
    assert labels.dtype == np.int32


@pytest.mark.parametrize("size", [(375, 500), (90, 61), (24, 1000), (224, 224)])
def test_scaling_by_rows_is_to_the_bit_scaling_in_both_directions_at_once(size):
    """Which is what the photographs of recorded runs were scaled by."""
    rng = np.random.default_rng(sum(size))
    pixels = tf.constant(rng.integers(0, 256, (*size, 3)), tf.uint8)
    flips = set()
    for index in range(12):
        sides = (48, 100) if min(size) < 100 else (256, 480)
        window = geometry.scale_crop(*size, sides, min(48, sides[0]), 3, 1, index)
        if index % 3 == 0:
            window = geometry.area_crop(*size, 224, 3, 1, index)
        rows, placement = (each[0] for each in rows_of([window]))
        top, left, height, width, out_height, out_width, flip = rows.tolist()
        scaled = tf.raw_ops.ScaleAndTranslate(
            images=pixels[None, top : top + height, left : left + width],
            size=(out_height, out_width),
            scale=placement[:2],
            translation=placement[2:],
            kernel_type="triangle",
            antialias=True,
        )
        expected = tf.cast(scaled[0] + 0.5, tf.uint8).numpy()
        expected = expected[:, ::-1] if flip else expected
        found = resampled(pixels, tf.constant(rows), tf.constant(placement)).numpy()
        np.testing.assert_array_equal(found, expected)
        flips.add(flip)
    assert flips == {0, 1}


def test_inputs_are_alike_for_any_number_of_steps(added):
    data = stream(added)
    none, one, three = (data.inputs(*asked) for asked in ((0, 0), (0, 1), (1, 3)))
    for steps, inputs in ((0, none), (1, one), (3, three)):
        assert [len(each) for each in inputs] == [steps] * 3
        for received, expected in zip(inputs, one, strict=True):
            assert (received.shape[1:], received.dtype) == (expected.shape[1:], expected.dtype)


@pytest.mark.parametrize("augmentation", ["scale-crop-flip", "area-crop-flip"])
def test_going_on_from_the_middle_gives_what_comes_without_a_stop(added, augmentation):
    whole = stream(added, augmentation=augmentation)
    expected = [arrays(whole.inputs(iteration, 1)) for iteration in range(8)]
    again = stream(added, augmentation=augmentation, workers=3)
    for first in (5, 6, 2, 3, 3, 0, 7):
        received = arrays(again.inputs(first, 1))
        for one, other in zip(received, expected[first], strict=True):
            np.testing.assert_array_equal(one, other)
    several = arrays(again.inputs(1, 4))
    for part, arrays_of_part in enumerate(expected[1:5]):
        np.testing.assert_array_equal(several[0][part], arrays_of_part[0][0])


def test_another_seed_gives_other_pixels(added):
    one, other = (stream(added, seed=seed).inputs(0, 1)[0] for seed in (3, 4))
    assert np.any(one != other)


def test_each_photograph_comes_once_an_epoch(added):
    read = Counting(added.source)
    data = stream(replaced(added, read), batch_size=6)
    read.wanted.clear()
    for iteration in range(4):
        data.inputs(iteration, 1)
    assert [sorted(read.wanted[start : start + 12]) for start in (0, 12)] == [list(range(12))] * 2


class Counting:
    """A source that remembers what was read."""

    def __init__(self, source):
        self.source, self.wanted = source, []
        self.columns, self.path, self.check = source.columns, source.path, source.check

    def encoded(self, split, index):
        self.wanted.append(index)
        return self.source.encoded(split, index)


def replaced(added, source):
    return dataclasses.replace(added, source=source)


def test_no_more_than_some_batches_are_read_ahead(added):
    read = Counting(added.source)
    data = stream(replaced(added, read))
    read.wanted.clear()
    for iteration in range(10):
        data.inputs(iteration, 1)
    ahead = batches_read(read, 12) - 10
    assert 2 <= ahead <= 4, "two wait, of the third four are decoded, the fourth is read"


def batches_read(read, least):
    """How many of five images, when there are so many and nothing more is read."""
    before = -1
    for _ in range(240):
        if 5 * least <= len(read.wanted) == before:
            break
        before = len(read.wanted)
        time.sleep(0.5)
    return len(read.wanted) / 5


def digest_of(data):
    digest = hashlib.sha256()
    for iteration in range(4):
        for array in arrays(data.inputs(iteration, 1)):
            digest.update(array)
    return digest.hexdigest()


def test_under_determinism_batches_are_equal_and_read_ahead_and_the_process_ends(added):
    """TensorFlow's op determinism holds for a whole process, so for one of its own."""
    code = (
        "import sys; import tensorflow as tf; sys.path.insert(0, 'tests')\n"
        "tf.keras.utils.set_random_seed(0); tf.config.experimental.enable_op_determinism()\n"
        "import test_photographs as t\n"
        "found = t.registry.find('two'); read = t.Counting(found.source)\n"
        "data = t.stream(t.replaced(found, read)); read.wanted.clear()\n"
        "print(t.digest_of(data), t.batches_read(read, 6) - 4)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    digest, ahead = done.stdout.split()
    assert digest == digest_of(stream(added))
    assert 2 <= float(ahead) <= 6
    assert "Traceback" not in done.stderr


def test_lighting_is_added_before_the_mean_is_subtracted(added):
    data = stream(added, pixel_range="0-255", normalization="per-channel-mean")
    pixels, lighting, labels = (each[0] for each in data.inputs(0, 1))
    images, received = data.train_batch(pixels, lighting, labels)
    expected = pixels.numpy() + lighting.numpy()[:, None, None] - data.statistics.channel_means
    assert np.any(lighting)
    np.testing.assert_allclose(images, expected, atol=1e-4)
    np.testing.assert_array_equal(received, labels)
    assert not np.any(stream(added, lighting=False).inputs(0, 1)[1])


@pytest.mark.parametrize("pixel_range", ["0-1", "0-255"])
@pytest.mark.parametrize(
    "rule", ["per-pixel-mean", "per-channel-mean", "per-channel-mean-std", "none"]
)
def test_normalisation(added, rule, pixel_range):
    data = stream(added, normalization=rule, pixel_range=pixel_range, lighting=False)
    pixels, _, labels = (each[0] for each in data.inputs(0, 1))
    crops = np.stack(
        [
            view(added, "train", index, lambda h, w: geometry.center_crop(h, w, 36, 32))
            for index in range(12)
        ]
    ).astype(float)
    mean, scale = 0.0, 255.0 if pixel_range == "0-1" else 1.0
    if rule == "per-pixel-mean":
        mean = crops.mean(0)
    elif rule != "none":
        mean = crops.mean((0, 1, 2))
    if rule == "per-channel-mean-std":
        scale = crops.std((0, 1, 2))
    expected = (pixels.numpy() - mean) / scale
    np.testing.assert_allclose(
        data.scored_batch("test", pixels, labels)[0], expected, atol=2e-5 * 255
    )
    zeros = tf.zeros((5, 3))
    np.testing.assert_array_equal(
        data.train_batch(pixels, zeros, labels)[0], data.normalization(pixels)
    )


def test_the_principal_colours_are_those_of_the_covariance():
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)
    pixels[..., 1] = pixels[..., 0]
    found = measured([pixels[:4], pixels[4:]])
    rows = pixels.reshape(-1, 3) / 255
    covariance = np.cov(rows.T, bias=True)
    np.testing.assert_allclose(
        found.eigenvectors * found.eigenvalues @ found.eigenvectors.T, covariance, atol=1e-12
    )
    assert found.eigenvalues[0] > found.eigenvalues[1] > found.eigenvalues[2] >= 0
    np.testing.assert_allclose(np.abs(found.eigenvectors[:, 0]), [0.5**0.5, 0.5**0.5, 0], atol=0.1)
    np.testing.assert_array_equal(found.mean_image, pixels.mean(0))
    np.testing.assert_allclose(found.channel_stds, pixels.std((0, 1, 2)))


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({}, 12),
        ({"statistics_images": None}, 12),
        ({"statistics_images": None, "held_out_images": 4}, 8),
        ({"statistics_images": 12, "held_out_images": 4}, 8),
        ({"statistics_images": 5}, 5),
        ({"statistics_images": 5, "held_out_images": 4}, 5),
    ],
)
def test_statistics_are_of_the_first_images_of_the_fixed_order(added, fields, count):
    """Asked for one after the other of one folder, whose kept files must not be mixed up."""
    read = Counting(added.source)
    crop = {"crop_size": 24}
    for others in ({"statistics_images": 3}, {"statistics_images": None}, fields):
        found = stream(replaced(added, read), **crop, **others).statistics
    first = fixed_order(12)[:count]
    crops = [
        view(added, "train", index, lambda h, w: geometry.center_crop(h, w, 27, 24))
        for index in first
    ]
    np.testing.assert_array_equal(found.mean_image, np.mean(crops, 0, dtype=np.float64))
    np.testing.assert_allclose(found.channel_stds, np.std(crops, (0, 1, 2), dtype=np.float64))
    kept = {path.name for path in added.folder.glob("statistics-24-27-*")}
    assert {f"statistics-24-27-{each}.npz" for each in (3, 12, count)} <= kept
    read.wanted.clear()
    again = stream(replaced(added, read), **crop, **fields).statistics
    assert not read.wanted
    np.testing.assert_array_equal(again.mean_image, found.mean_image)


# Scoring


@pytest.mark.parametrize("batch_size", [1, 4, 6, 100])
def test_each_scored_photograph_comes_once_in_order(added, batch_size):
    data = stream(added)
    batches = [arrays(inputs) for inputs in data.scored_inputs("test", batch_size)]
    pixels, labels = map(np.concatenate, zip(*batches, strict=True))
    assert data.scored_counts == {"test": len(pixels)} == {"test": 6}
    assert [len(each[0]) for each in batches[:-1]] == [batch_size] * (len(batches) - 1)
    assert labels.tolist() == [0, 0, 0, 1, 1, 1]
    for index in range(6):
        expected = view(added, "test", index, lambda h, w: geometry.center_crop(h, w, 36, 32))
        np.testing.assert_array_equal(pixels[index], expected)


def test_several_views_of_each_and_whole_photographs(added):
    data = stream(added)
    ten = list(data.scored_views("test", lambda h, w: geometry.ten_crop(h, w, 40, 32), 10, 4))
    assert [tuple(pixels.shape) for pixels, _ in ten] == [(n, 10, 32, 32, 3) for n in (4, 2)]
    for pixels, _ in data.scored_views("test", lambda h, w: [geometry.whole(h, w, 40)], 1, 1):
        assert min(pixels.shape[2:4]) == 40


def test_held_out_photographs_are_of_a_fixed_order_and_not_trained_on(added):
    data = stream(added, held_out_images=4, batch_size=4)
    order = fixed_order(12).tolist()
    assert sorted(order) == list(range(12))
    trained, held_out = (part.tolist() for part in parted(12, 4))
    assert held_out == sorted(order[8:]) and sorted(trained + held_out) == list(range(12))
    assert data.scored_counts == {"test": 6, "validation": 4}
    (_, labels), *_ = data.scored_inputs("validation", 10)
    assert labels.numpy().tolist() == [index // 6 for index in held_out]
    assert {index // 6 for index in held_out} == {0, 1}

    read = Counting(added.source)
    fields = {"held_out_images": 4, "crop_size": 40}  # Whose statistics are not there yet.
    data = stream(replaced(added, read), batch_size=4, **fields)
    assert {*read.wanted} == {*trained}
    read.wanted.clear()
    data.inputs(0, 2)
    assert {*read.wanted} == {*trained}

"""Batches and scores against the same arithmetic written with NumPy, image by image."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmark.data.normalization import normalization
from benchmark.data.order import batches
from benchmark.data.resident import ResidentImages, _resident, crop_and_flip
from benchmark.evaluation.views.single import scorer
from benchmark.spec import CifarSpec


def dataset(**fields):
    return CifarSpec(name="cifar10-subset", **fields)


def cropped(image, crop):
    top, left, flip = crop
    padded = np.zeros((40, 40, 3), image.dtype)
    padded[4:36, 4:36] = image
    window = padded[top : top + 32, left : left + 32]
    return window[:, ::-1] if flip else window


def test_every_crop_and_flip_is_the_window_of_the_padded_image(embedded):
    crops = np.array([[t, x, f] for t in range(9) for x in range(9) for f in (0, 1)], np.int32)
    images = embedded.train_images[: len(crops)].astype(np.float32)
    received = crop_and_flip(tf.constant(images), tf.constant(crops)).numpy()
    expected = np.stack([cropped(*pair) for pair in zip(images, crops, strict=True)])
    np.testing.assert_array_equal(received, expected)


def test_the_centre_crop_without_a_flip_is_the_image_itself(embedded):
    images = embedded.train_images[:5].astype(np.float32)
    centre = tf.constant([[4, 4, 0]] * 5)
    np.testing.assert_array_equal(crop_and_flip(tf.constant(images), centre), images)


def mean_and_scale(spec, trained):
    pixels = trained.astype(np.float64)
    unit = 255.0 if spec.pixel_range == "0-1" else 1.0
    if spec.normalization == "per-pixel-mean":
        return pixels.mean(0), unit
    if spec.normalization == "per-channel-mean":
        return pixels.mean((0, 1, 2)), unit
    if spec.normalization == "per-channel-mean-std":
        return pixels.mean((0, 1, 2)), pixels.std((0, 1, 2))
    return 0.0, unit


@pytest.mark.parametrize("augmentation", ["pad-crop-flip", "none"])
@pytest.mark.parametrize("pixel_range", ["0-1", "0-255"])
@pytest.mark.parametrize(
    "rule", ["per-pixel-mean", "per-channel-mean", "per-channel-mean-std", "none"]
)
def test_a_training_batch(embedded, rule, pixel_range, augmentation):
    spec = dataset(normalization=rule, pixel_range=pixel_range, augmentation=augmentation)
    data = ResidentImages(spec, embedded)
    indices, crops = (array[0] for array in batches(5, 40, 1, 64, 5000))
    images, labels = data.train_batch(tf.constant(indices), tf.constant(crops))

    mean, scale = mean_and_scale(spec, embedded.train_images)
    expected = (embedded.train_images[indices] - mean) / scale
    if augmentation == "pad-crop-flip":
        expected = np.stack([cropped(*pair) for pair in zip(expected, crops, strict=True)])
    assert images.dtype == tf.float32
    np.testing.assert_allclose(images, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
    np.testing.assert_array_equal(labels, embedded.train_labels[indices])


def test_the_padding_is_zero_after_normalisation(embedded):
    data = ResidentImages(dataset(), embedded)
    images, _ = data.train_batch(tf.constant([7]), tf.constant([[0, 0, 0]]))
    assert not np.any(images[0, :4])
    assert not np.any(images[0, :, :4])
    assert np.any(images[0, 4:, 4:])


@pytest.mark.parametrize("rule", ["per-pixel-mean", "per-channel-mean", "per-channel-mean-std"])
def test_black_padding_is_black_before_normalisation(embedded, rule):
    spec = dataset(normalization=rule, padding="black")
    data = ResidentImages(spec, embedded)
    indices, crops = (array[0] for array in batches(5, 40, 1, 64, 5000))
    images, labels = data.train_batch(tf.constant(indices), tf.constant(crops))
    mean, scale = mean_and_scale(spec, embedded.train_images)
    pairs = zip(embedded.train_images[indices], crops, strict=True)
    expected = (np.stack([cropped(*pair) for pair in pairs]) - mean) / scale
    np.testing.assert_allclose(images, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
    np.testing.assert_array_equal(labels, embedded.train_labels[indices])
    zero, _ = ResidentImages(dataset(normalization=rule), embedded).train_batch(
        tf.constant(indices), tf.constant(crops)
    )
    assert np.abs(zero - images).max() > 0.1


@pytest.mark.parametrize("rule", ["per-pixel-mean", "per-channel-mean", "per-channel-mean-std"])
def test_statistics_come_from_the_images_trained_on_alone(embedded, rule):
    spec = dataset(normalization=rule, held_out_images=1000)
    data = ResidentImages(spec, embedded)
    trained = normalization(spec, embedded.train_images[:4000])
    everything = normalization(spec, embedded.train_images)
    np.testing.assert_array_equal(data.normalization.mean, trained.mean)
    assert not np.array_equal(trained.mean, everything.mean)


def test_held_out_images_are_the_last_and_are_not_trained_on(embedded):
    data = ResidentImages(dataset(held_out_images=1000), embedded)
    np.testing.assert_array_equal(data.train_images, embedded.train_images[:4000])
    assert data.scored.keys() == data.scored_counts.keys() == {"test", "validation"}
    for split, images, labels in (
        ("validation", embedded.train_images[4000:], embedded.train_labels[4000:]),
        ("test", embedded.test_images, embedded.test_labels),
    ):
        np.testing.assert_array_equal(data.scored[split][0], images)
        np.testing.assert_array_equal(data.scored[split][1], labels)
        assert data.scored_counts[split] == 1000
    assert ResidentImages(dataset(), embedded).scored.keys() == {"test"}


def linear_model(seed=0):
    inputs = keras.Input((32, 32, 3))
    initial = keras.initializers.RandomNormal(seed=seed)
    outputs = keras.layers.Dense(10, kernel_initializer=initial)(keras.layers.Flatten()(inputs))
    return keras.Model(inputs, outputs)


@pytest.mark.parametrize("batch_size", [1, 7, 128, 999, 1000, 1001, 4096])
def test_each_test_image_is_scored_once_whatever_the_batch_size(embedded, batch_size):
    data = ResidentImages(dataset(normalization="none"), embedded)
    model = linear_model()
    scores = scorer(model, data, "test", batch_size)()

    kernel, bias = (weight.numpy().astype(np.float64) for weight in model.weights)
    logits = (embedded.test_images / 255).reshape(1000, -1) @ kernel + bias
    shifted = logits - logits.max(1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    losses = -log_probabilities[np.arange(1000), embedded.test_labels]

    np.testing.assert_array_equal(scores.labels, embedded.test_labels)
    np.testing.assert_array_equal(scores.predictions, logits.argmax(1))
    np.testing.assert_allclose(scores.losses, losses, atol=1e-4)
    assert scores.loss == pytest.approx(losses.mean(), abs=1e-4)
    wrong = int((logits.argmax(1) != embedded.test_labels).sum())
    assert scores.error_percent == pytest.approx(wrong / 10)


def test_a_scorer_that_would_miss_images_raises(embedded):
    data = ResidentImages(dataset(), embedded)
    whole = data.scored_batch
    data.scored_batch = lambda split, start, stop: whole(split, start, stop - 1)
    with pytest.raises(RuntimeError, match=r"1000 images must be scored once. Scored: 990"):
        scorer(linear_model(), data, "test", 100)()


@pytest.mark.parametrize("aligned", [True, False])
def test_images_that_lie_as_tensorflow_wants_them_are_not_copied(aligned):
    memory = np.zeros(2 * 32 * 32 * 3 + 128, np.uint8)
    start = -memory.ctypes.data % 64 + (0 if aligned else 1)
    images = memory[start : start + 2 * 32 * 32 * 3].reshape(2, 32, 32, 3)
    resident = _resident(images, on_gpu=False)
    images[1] = 7
    assert tf.gather(resident, [1]).numpy().min() == (7 if aligned else 0)


@pytest.mark.parametrize(("pixel_range", "unit"), [("0-1", 255), ("0-255", 1)])
def test_each_channels_mean_alone_may_be_subtracted(embedded, pixel_range, unit):
    spec = dataset(normalization="per-channel-mean", pixel_range=pixel_range)
    found = normalization(spec, embedded.train_images)
    np.testing.assert_allclose(found.mean, embedded.train_images.mean((0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(found.scale, 1 / unit, rtol=1e-6)

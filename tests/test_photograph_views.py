"""Which part of a photograph is seen, by numbers computed by hand; draws, lighting, decoding."""

import io
import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from photograph_files import encoded, photograph
from PIL import Image

from benchmark.data.images import DataError
from benchmark.data.photographs.decode import MARGIN, decoded_windows, header, request
from benchmark.data.photographs.draws import LIGHTING, integer, uniform, words
from benchmark.data.photographs.geometry import (
    Window,
    area_crop,
    center_crop,
    crop_of_scaled,
    resized,
    scale_crop,
    ten_crop,
    whole,
)
from benchmark.data.photographs.lighting import STDDEV, lighting_offsets
from benchmark.evaluation.views.protocols import of_name
from benchmark.spec.protocol import ProtocolName

LENGTHS = st.integers(1, 700)


# Draws


def test_the_random_numbers_are_the_same_everywhere():
    drawn = words(0, 0, 0, 1, 2).tolist()
    assert drawn == words(0, 0, 0, 1, 9)[:2].tolist()
    assert drawn == [3245738530551145091, 3473859874391648748]


def test_seeds_epochs_images_and_purposes_have_numbers_of_their_own():
    drawn = {
        words(seed, epoch, index, purpose, 1)[0]
        for seed in range(5)
        for epoch in range(5)
        for index in range(5)
        for purpose in (1, 2)
    }
    assert len(drawn) == 250


def test_uniform_and_integer_reach_both_ends_and_no_further():
    least, greatest = np.uint64(0), np.uint64(2**64 - 1)
    assert (uniform(least), uniform(greatest)) == (0.0, 1 - 2**-53)
    assert (uniform(least, 2, 4), integer(least, 256, 480)) == (2.0, 256)
    assert integer(greatest, 256, 480) == 480
    assert integer(np.uint64(2**63), 0, 1) == 1
    assert integer(np.uint64(2**63 - 1), 0, 1) == 0


# Windows


def test_sizes_keep_the_ratio_and_round_half_up():
    assert resized(427, 640, 256) == (256, 384)  # 383.70
    assert resized(640, 427, 256) == (384, 256)
    assert resized(4, 6, 3) == (3, 5)  # 4.5
    assert resized(100, 100, 7) == (7, 7)


def test_a_window_at_half_the_size():
    # Output row 0 of the crop is row 10 of the scaled image: centre 21 in the source's pixels. Its
    # neighbours reach 2 pixels, and 1 more is read: from 18. The last is row 29: centre 59, to 62.
    window = crop_of_scaled((100, 200), (50, 100), (10, 70), (20, 30))
    assert (window.top, window.height) == (18, 44)
    assert (window.left, window.width) == (138, 62)  # From 141 - 3; 199 + 3 is beyond the edge.
    assert window.scale == (0.5, 0.5)
    assert window.shift == (-1.0, -1.0)  # Point 18 of the source is 9 in the image, -1 in the crop.


def test_a_window_at_twice_the_size():
    # Centres of the crop's first and last rows in the source: 5.25 and 9.75; reach 1, and 1 more.
    window = crop_of_scaled((20, 20), (40, 40), (10, 0), (10, 40))
    assert (window.top, window.height) == (3, 9)
    assert (window.left, window.width) == (0, 20)
    assert (window.scale, window.shift) == ((2.0, 2.0), (-4.0, 0.0))


def place(window):
    """Where a crop lies in the scaled photograph."""
    lengths = zip((window.top, window.left), window.scale, window.shift, strict=True)
    return tuple(round(start * scale - shift, 6) for start, scale, shift in lengths)


def test_the_centre_crop():
    assert place(center_crop(427, 640, 256, 224)) == (16, 80)
    assert place(center_crop(300, 200, 100, 100)) == (25, 0)
    assert place(center_crop(203, 200, 200, 200)) == (1, 0)  # 1.5


def test_ten_crops_are_the_corners_and_the_centre_and_their_mirrors():
    views = ten_crop(300, 200, 100, 64)  # Scaled to 150 x 100.
    expected = [(0, 0), (0, 36), (86, 0), (86, 36), (43, 18)]
    assert [place(view) for view in views] == expected * 2
    assert [view.flip for view in views] == [False] * 5 + [True] * 5
    assert {view.size for view in views} == {(64, 64)}


@pytest.mark.parametrize("kind", ["ten-crop", "center-crop"])
def test_a_protocols_crops_lie_within_its_images(kind):
    assert of_name(ProtocolName.of(f"{kind}-224"), 224).views
    with pytest.raises(ValueError, match=f"of at least 224 pixels.* Received: {kind}-223"):
        of_name(ProtocolName.of(f"{kind}-223"), 224)


def test_the_whole_is_the_whole():
    window = whole(427, 640, 256)
    assert (window.top, window.left, window.height, window.width) == (0, 0, 427, 640)
    assert (window.size, window.shift) == ((256, 384), (0.0, 0.0))


@given(LENGTHS, LENGTHS, st.integers(0, 2**32 - 1), st.integers(0, 1000), st.integers(0, 10**7))
def test_every_view_lies_within_its_photograph(height, width, seed, epoch, index):
    for view in (
        scale_crop(height, width, (40, 80), 32, seed, epoch, index),
        area_crop(height, width, 32, seed, epoch, index),
        *ten_crop(height, width, 40, 32),
    ):
        assert view.size == (32, 32)
        assert 0 <= view.top < view.top + view.height <= height
        assert 0 <= view.left < view.left + view.width <= width


def test_the_shorter_side_and_the_place_are_uniform():
    drawn = [scale_crop(200, 300, (256, 480), 224, 1, 2, index) for index in range(22_500)]
    sides = np.array([round(view.scale[0] * 200) for view in drawn])
    assert (sides.min(), sides.max()) == (256, 480)
    observed = np.bincount(sides - 256, minlength=225)
    chi_square = ((observed - 100) ** 2 / 100).sum()
    assert chi_square < 295, "beyond the 99.9 % quantile with 224 degrees of freedom"
    assert np.mean([view.flip for view in drawn]) == pytest.approx(0.5, abs=0.01)
    # The share of its room that is above the crop is uniform too, up to whole pixels.
    tops = np.array([place(view)[0] for view in drawn])
    rooms = tops / (sides - 224)
    assert rooms.mean() == pytest.approx(0.5, abs=0.01)
    assert np.quantile(rooms, [0.25, 0.75]) == pytest.approx([0.25, 0.75], abs=0.02)


def test_a_random_area_is_uniform_where_it_fits():
    drawn = [area_crop(2000, 2000, 224, 1, 2, index) for index in range(4000)]
    areas = np.array([view.height * view.width for view in drawn]) / 4e6
    ratios = np.array([view.width / view.height for view in drawn])
    assert areas.min() == pytest.approx(0.08, abs=0.005)
    assert areas[areas < 0.5].mean() == pytest.approx(0.29, abs=0.01)  # Below, all ratios fit.
    assert (ratios.min(), ratios.max()) == pytest.approx((3 / 4, 4 / 3), abs=0.01)
    assert np.median(ratios) == pytest.approx(1, abs=0.03)
    assert np.mean([view.flip for view in drawn]) == pytest.approx(0.5, abs=0.03)


def test_a_random_area_that_never_fits_is_the_centre():
    view = area_crop(20, 2000, 224, 1, 2, 3)
    expected = center_crop(20, 2000, 224, 224)
    assert (view.left, view.width, view.scale) == (expected.left, expected.width, expected.scale)


# Lighting


def normal(first, second):
    """A standard normal draw, by the Box-Muller method."""
    radius = math.sqrt(-2 * math.log(1.0 - uniform(first)))
    return radius * math.cos(2 * math.pi * uniform(second))


def test_lighting_of_many_images_has_the_bits_of_one_after_the_other():
    """By NumPy's own generator and C's logarithm and cosine, image by image."""
    rng = np.random.default_rng(0)
    values, vectors = rng.uniform(0, 0.2, 3), rng.normal(size=(3, 3))
    epochs, indices = rng.integers(0, 200, 500), rng.integers(0, 1_300_000, 500)
    for seed in (0, 2**32 - 1):
        found = lighting_offsets(seed, epochs, indices, values, vectors)
        for row, epoch, index in zip(found, epochs.tolist(), indices.tolist(), strict=True):
            drawn = words(seed, epoch, index, LIGHTING, 6)
            alpha = np.array([STDDEV * normal(*drawn[at : at + 2]) for at in (0, 2, 4)])
            one = (255 * (vectors * (alpha * values)).sum(1)).astype(np.float32)
            np.testing.assert_array_equal(row, one)


def test_lighting_moves_along_the_principal_colours():
    values, vectors = (
        np.array([0.2, 0.02, 0.005]),
        np.linalg.qr(np.arange(9).reshape(3, 3) + np.eye(3))[0],
    )
    drawn = lighting_offsets(3, np.full(20_000, 4), np.arange(20_000), values, vectors)
    along = drawn @ vectors / 255 / values
    assert along.mean(0) == pytest.approx([0, 0, 0], abs=0.003)
    assert along.std(0) == pytest.approx([0.1] * 3, rel=0.02)
    assert np.abs(np.corrcoef(along.T) - np.eye(3)).max() < 0.03
    kurtosis = ((along / along.std(0)) ** 4).mean(0)
    assert kurtosis == pytest.approx([3] * 3, abs=0.2)


# Decoding


def pixels_of(content):
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGB"))


def decoded(content, *windows):
    return decoded_windows(request(content, header(content), windows)).numpy()


def as_it_is(top, left, height, width):
    """The window of a part at its own scale: its very pixels."""
    return Window(top, left, height, width, (1.0, 1.0), (0.0, 0.0), (height, width))


JPEGS = {
    "4:4:4": {"subsampling": 0},
    "4:2:2": {"subsampling": 1},
    "4:2:0": {"subsampling": 2},
    "4:1:1": {"subsampling": "4:1:1"},
    "restarts": {"subsampling": 2, "restart_marker_rows": 1},
    "progressive": {"subsampling": 2, "progressive": True},
}


def jpeg(kind):
    pixels = photograph("china")[:425, :638]  # Neither is a multiple of a JPEG's blocks.
    if kind in ("L", "CMYK"):
        return encoded(Image.fromarray(pixels).convert(kind))
    return encoded(pixels, **JPEGS[kind])


@pytest.mark.parametrize("kind", [*JPEGS, "L", "CMYK"])
def test_a_part_of_a_jpeg_is_that_part_of_the_whole(kind):
    content = jpeg(kind)
    whole_image, about = pixels_of(content), header(content)
    assert about.partly
    edges = [(0, 0, 30, 40), (395, 598, 30, 40), (0, 300, 425, 9), (200, 0, 9, 638)]
    rng = np.random.default_rng(0)
    for top, left, height, width in edges + rng.integers(1, 200, (40, 4)).tolist():
        received = decoded(content, as_it_is(top, left, height, width))[0]
        expected = whole_image[top : top + height, left : left + width]
        np.testing.assert_array_equal(received, expected)
    assert request(content, about, [as_it_is(100, 200, 30, 40)]).part.tolist() == [84, 184, 62, 72]


def test_without_a_margin_a_part_would_differ_from_the_whole():
    content = jpeg("4:2:0")
    part, method = (100, 200, 30, 40), "INTEGER_ACCURATE"
    received = tf.io.decode_and_crop_jpeg(content, part, channels=3, dct_method=method)
    assert np.any(received != pixels_of(content)[100:130, 200:240])
    assert MARGIN > 1


def test_other_kinds_of_jpegs_are_decoded_whole(monkeypatch):
    monkeypatch.setattr("benchmark.data.photographs.decode._SAMPLINGS", ())
    content = jpeg("4:2:0")
    asked = request(content, header(content), [as_it_is(100, 200, 30, 40)])
    assert asked.part.tolist() == [0, 0, 425, 638]
    expected = pixels_of(content)[100:130, 200:240]
    np.testing.assert_array_equal(decoded_windows(asked)[0], expected)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "1"])
def test_every_png_has_three_channels(mode):
    content = encoded(Image.fromarray(photograph("flower")).convert(mode), "PNG")
    received = decoded(content, as_it_is(100, 200, 30, 40))[0]
    np.testing.assert_array_equal(received, pixels_of(content)[100:130, 200:240])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([scale_crop, area_crop]))
def test_a_view_is_that_of_the_whole_photograph(index, view_of):
    """Against all of the photograph scaled at once; a rounded sum may fall on the other side."""
    content = encoded(photograph("flower"), subsampling=2)
    sides = [(100, 500)] if view_of is scale_crop else []
    view = view_of(427, 640, *sides, 96, 1, 2, index)
    received = decoded(content, view)[0].astype(int)
    pixels = pixels_of(content)
    if view_of is area_crop:  # Nothing outside the part that is drawn comes into it.
        part = slice(view.top, view.top + view.height), slice(view.left, view.left + view.width)
        expected = tf.image.resize(pixels[part], view.size, antialias=True)
    else:
        size = resized(427, 640, round(view.scale[0] * 427))
        scaled = tf.image.resize(pixels, size, antialias=True)
        top, left = place(view)
        assert (top, left) == (int(top), int(left))
        expected = scaled[int(top) : int(top) + 96, int(left) : int(left) + 96]
    expected = np.floor(expected + 0.5)[:, :: -1 if view.flip else 1]
    differing = np.abs(received - expected)
    assert differing.max() <= 1
    assert differing.mean() < 0.02  # Where the scale is a simple ratio, many sums are halves.


def test_several_views_are_those_that_each_would_be():
    content = encoded(photograph("china"))
    views = ten_crop(427, 640, 80, 64)
    received = decoded(content, *views)
    assert received.shape == (10, 64, 64, 3)
    for view, pixels in zip(views, received, strict=True):
        np.testing.assert_array_equal(decoded(content, view)[0], pixels)
    np.testing.assert_array_equal(received[5:], received[:5, :, ::-1])


def test_a_flat_colour_stays_itself_at_every_scale():
    content = encoded(np.full((50, 70, 3), (0, 128, 255), np.uint8), "PNG")
    for side in (8, 50, 199):
        assert np.all(decoded(content, whole(50, 70, side)) == (0, 128, 255))


@pytest.mark.parametrize(
    "content",
    [b"", b"not an image", encoded(np.zeros((9, 9, 3), np.uint8), "BMP"), b"\xff\xd8\xff\xe0\x00"],
    ids=["empty", "text", "bmp", "cut"],
)
def test_what_is_neither_jpeg_nor_png_is_refused(content):
    with pytest.raises(DataError, match=r"must be a JPEG or PNG file\. Received: "):
        header(content)

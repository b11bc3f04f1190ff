"""From a file's bytes and windows to pixels. Only the part of a JPEG that is needed is decoded,
where that gives the same pixels as decoding all of it."""

import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image, UnidentifiedImageError

from benchmark.data.contents import told
from benchmark.data.images import DataError
from benchmark.data.photographs.geometry import Window


class Header(NamedTuple):
    """What a file's first bytes say."""

    height: int
    width: int
    jpeg: bool
    """Otherwise it is a PNG."""
    partly: bool
    """Whether part of it can be decoded alone, to the same pixels."""


class Request(NamedTuple):
    """What to decode of a file, and the windows to cut from that."""

    encoded: bytes | tf.Tensor
    jpeg: bool | tf.Tensor
    part: np.ndarray | tf.Tensor
    """(4,) int32: top, left, height and width of the part to decode."""
    windows: np.ndarray | tf.Tensor
    """(windows, 7) int32: for each, top, left, height and width within the part; height and width
    of its output; 1 for a flip."""
    placement: np.ndarray | tf.Tensor
    """(windows, 4) float32: for each, scale and shift, vertical and horizontal."""


def requests_signature(windows: int) -> tuple[tf.TensorSpec, ...]:
    """Return the signature of a batch of requests with ``windows`` windows each."""
    return (
        tf.TensorSpec((None,), tf.string),
        tf.TensorSpec((None,), tf.bool),
        tf.TensorSpec((None, 4), tf.int32),
        tf.TensorSpec((None, windows, 7), tf.int32),
        tf.TensorSpec((None, windows, 4), tf.float32),
    )


MARGIN = 16
"""Pixels that are decoded around the part needed. Colours stored at half the resolution are
smoothed across pixels, so they differ at a part's edges, where neighbours are missing; one pixel
was enough for each kind of JPEG that was tried."""

_SAMPLINGS = ((1, 1), (2, 1), (2, 2), (4, 1))
"""The chroma subsampling, horizontal and vertical, with which the parts of a JPEG are known to be
exact: 4:4:4 (and grey and CMYK), 4:2:2, 4:2:0, 4:1:1. Other kinds are decoded whole."""


def header(encoded: bytes) -> Header:
    """Read the header of a JPEG or a PNG, whatever the file's suffix. Raises DataError."""
    try:
        with Image.open(io.BytesIO(encoded), formats=("JPEG", "PNG")) as image:
            jpeg = image.format != "PNG"
            partly = jpeg and _sampling(image) in _SAMPLINGS
            return Header(image.height, image.width, jpeg, partly)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        received = told(encoded) if isinstance(error, UnidentifiedImageError) else error
        raise DataError(f"must be a JPEG or PNG file. Received: {received}") from error


def _sampling(image: Image.Image) -> tuple[int, int] | None:
    """Return how many of the first component's pixels another's spans; None if they differ."""
    first, *others = [(across, down) for _, across, down, _ in getattr(image, "layer", ())]
    if {*others} <= {first}:
        return 1, 1
    return first if {*others} == {(1, 1)} else None


def request(encoded: bytes, about: Header, windows: Sequence[Window]) -> Request:
    """Return what to decode for ``windows``, which lie within the photograph."""
    top, left, bottom, right = 0, 0, about.height, about.width
    if about.partly:
        top = max(0, min(window.top for window in windows) - MARGIN)
        left = max(0, min(window.left for window in windows) - MARGIN)
        bottom = min(bottom, max(window.top + window.height for window in windows) + MARGIN)
        right = min(right, max(window.left + window.width for window in windows) + MARGIN)
    part = np.array([top, left, bottom - top, right - left], np.int32)
    return Request(encoded, about.jpeg, part, *rows_of(windows, top, left))


def rows_of(
    windows: Sequence[Window], top: int = 0, left: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``windows`` and ``placement`` of a ``Request`` whose part starts at (top, left)."""
    rows = [(w.top - top, w.left - left, w.height, w.width, *w.size, int(w.flip)) for w in windows]
    placement = np.array([(*w.scale, *w.shift) for w in windows], np.float32)
    return np.array(rows, np.int32), placement


def check(encoded: bytes) -> None:
    """Decode all of a photograph. Raises DataError if it cannot be decoded to its end."""
    about = header(encoded)
    every_pixel = np.array([0, 0, about.height, about.width], np.int32)
    try:
        _decoded(encoded, about.jpeg, every_pixel)
    except tf.errors.OpError as error:
        _, _, reason = str(error.message).rpartition("}} ")
        raise DataError(f"must be an image that can be decoded. Received: {reason}") from error


def decoded_windows(asked: Request) -> tf.Tensor:
    """In the graph: return (windows, height, width, 3) uint8; all outputs have the same size.

    Grey becomes three equal channels, CMYK becomes RGB, and an alpha channel is dropped; an
    orientation noted by a camera is ignored, as ImageNet's users do.
    """
    pixels = _decoded(asked.encoded, asked.jpeg, asked.part)
    windows, placements = tf.unstack(asked.windows), tf.unstack(asked.placement)
    return tf.stack([resampled(pixels, *each) for each in zip(windows, placements, strict=True)])


def _decoded(
    encoded: bytes | tf.Tensor, jpeg: bool | tf.Tensor, part: np.ndarray | tf.Tensor
) -> tf.Tensor:
    """Return (height, width, 3) uint8: the part of a JPEG, all of a PNG."""
    return tf.cond(
        jpeg,
        lambda: tf.io.decode_and_crop_jpeg(
            encoded, part, channels=3, dct_method="INTEGER_ACCURATE"
        ),
        lambda: tf.io.decode_png(encoded, channels=3),
    )


def resampled(pixels: tf.Tensor, window: tf.Tensor, placement: tf.Tensor) -> tf.Tensor:
    """In the graph: return the window's output from (height, width, 3) uint8. Interpolation is
    linear in each direction, antialiased when shrinking, and rounded. ``window`` and ``placement``
    are rows of a ``Request``.

    First vertically, then horizontally: bit for bit the sums of ``ScaleAndTranslate`` in both
    directions at once, in two thirds of the time, since it adds up whole rows faster than columns
    of three numbers.
    """
    top, left, height, width, rows, columns, flip = tf.unstack(window)
    part = tf.slice(pixels, (top, left, 0), (height, width, 3))
    part = _scaled_rows(tf.reshape(part, (height, 3 * width)), rows, placement[0], placement[2])
    across = tf.transpose(tf.reshape(part, (rows, width, 3)), (1, 0, 2))
    across = tf.reshape(across, (width, 3 * rows))
    output = _scaled_rows(across, columns, placement[1], placement[3])
    output = tf.cast(tf.reshape(output, (columns, rows, 3)) + 0.5, tf.uint8)
    output = tf.reverse(output, tf.zeros((flip,), tf.int32))  # No axes: unchanged.
    return tf.transpose(output, (1, 0, 2))


def _scaled_rows(
    image: tf.Tensor, count: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor
) -> tf.Tensor:
    """Scale (height, length) to (``count``, length) float32. ``ScaleAndTranslate`` sees an image of
    one column, which does not change, and of ``length`` channels."""
    output = tf.raw_ops.ScaleAndTranslate(
        images=image[None, :, None],
        size=tf.stack((count, 1)),
        scale=tf.stack((scale, 1.0)),
        translation=tf.stack((shift, 0.0)),
        kernel_type="triangle",
        antialias=True,
    )
    return output[0, :, 0]

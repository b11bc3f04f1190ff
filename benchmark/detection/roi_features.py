"""The features of each region, at one size, whatever the region's.

A feature represents ``stride`` by ``stride`` pixels of the image. Both methods avoid operations
whose gradients have no deterministic form on a GPU, or that XLA lacks. A tensor that is used more
than twice is copied: more than two gradients are summed in no fixed order.
"""

import math

import tensorflow as tf

from benchmark.spec.detector import RegionSpec


def roi_features(spec: RegionSpec, features: tf.Tensor, boxes: tf.Tensor, stride: int) -> tf.Tensor:
    """Map features (batch, height, width, channels) and boxes (batch, n, 4), in the image's pixels,
    to (batch, n, size, size, channels)."""
    if spec.pooling == "max":
        return roi_max(features, boxes, stride, spec.size)
    return roi_align(features, boxes, stride, spec.size, spec.samples)


def roi_align(
    features: tf.Tensor, boxes: tf.Tensor, stride: int, size: int, samples: int
) -> tf.Tensor:
    """Apply RoIAlign (He et al., "Mask R-CNN", 2017), with a feature at the centre of its pixels
    (torchvision's ``aligned``): each of ``size`` by ``size`` bins is the mean of ``samples`` by
    ``samples`` points, each interpolated from the four features around it.

    Interpolation and mean are linear and act on rows and columns separately, so they are two
    matrix products.
    """
    _, height, width, _ = features.shape
    boxes = boxes / stride - 0.5
    x = _weights(boxes[..., 0], boxes[..., 2], width, size, samples)
    y = _weights(boxes[..., 1], boxes[..., 3], height, size, samples)
    x, y = tf.cast(x, features.dtype), tf.cast(y, features.dtype)
    rows = tf.einsum("bnph,bhwc->bnpwc", y, features)
    return tf.matmul(x[:, :, None], rows)


def _weights(low: tf.Tensor, high: tf.Tensor, length: int, size: int, samples: int) -> tf.Tensor:
    """Return (batch, n, size, length): the weight of each of ``length`` features in a row in each
    bin of a region from ``low`` to ``high``, both (batch, n). A row sums to 1 within the image."""
    steps = (tf.range(size * samples, dtype=tf.float32) + 0.5) / (size * samples)
    points = low[..., None] + (high - low)[..., None] * steps
    there = (points >= -1) & (points <= length)
    distance = tf.clip_by_value(points, 0, length - 1)[..., None] - tf.range(
        length, dtype=tf.float32
    )
    weights = tf.maximum(1 - tf.abs(distance), 0) * tf.cast(there, tf.float32)[..., None]
    shape = (low.shape[0], low.shape[1], size, samples, length)
    return tf.reduce_mean(tf.reshape(weights, shape), 3)


def roi_max(features: tf.Tensor, boxes: tf.Tensor, stride: int, size: int) -> tf.Tensor:
    """Apply RoI max-pooling ([Fast], section 2.1): coordinates are rounded to whole features, the
    region is divided into ``size`` by ``size`` bins, which overlap if it is not a multiple, and
    each bin is the maximum of its features; 0 if it has none.

    The maximum over any window comes from the maxima over windows with power-of-two sides, four of
    which cover it.
    """
    batch, height, width, channels = features.shape
    top, bottom = _bins(boxes[..., 1], boxes[..., 3], stride, height, size)
    left, right = _bins(boxes[..., 0], boxes[..., 2], stride, width, size)
    levels_y, levels_x = _levels(height, size), _levels(width, size)
    table = _window_table(tf.identity(features), levels_y, levels_x)
    tables = tf.identity(table), tf.identity(table)
    level_y, power_y = _level(bottom - top, levels_y)
    level_x, power_x = _level(right - left, levels_x)

    def corner(table: tf.Tensor, y: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        """Look up the windows whose first row and column are ``y`` and ``x``, (batch, n, size)."""
        rows = (level_y * levels_x * height + tf.clip_by_value(y, 0, height - 1)) * width
        columns = level_x * height * width + tf.clip_by_value(x, 0, width - 1)
        place = rows[..., :, None] + columns[..., None, :]
        found = tf.gather(table, tf.reshape(place, (batch, -1)), batch_dims=1)
        return tf.reshape(found, (*place.shape, channels))

    last_y, last_x = bottom - power_y, right - power_x
    greatest = tf.maximum(
        tf.maximum(corner(tables[0], top, left), corner(tables[0], top, last_x)),
        tf.maximum(corner(tables[1], last_y, left), corner(tables[1], last_y, last_x)),
    )
    there = (bottom > top)[..., :, None] & (right > left)[..., None, :]
    return tf.where(there[..., None], greatest, tf.zeros_like(greatest))


def _bins(
    low: tf.Tensor, high: tf.Tensor, stride: int, length: int, size: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return (batch, n, size) int64, the first feature of each bin and the one after its last. A
    region includes both features that its ends are rounded to, so at least one. On a GPU, int32
    arithmetic would run on the host."""
    first, last = tf.floor(low / stride + 0.5), tf.floor(high / stride + 0.5)
    width = tf.maximum(last - first + 1, 1)[..., None] / size
    places = tf.range(size, dtype=tf.float32)
    start = tf.floor(places * width) + first[..., None]
    end = tf.math.ceil((places + 1) * width) + first[..., None]
    return tuple(tf.cast(tf.clip_by_value(each, 0, length), tf.int64) for each in (start, end))


def _levels(length: int, size: int) -> int:
    """Return how many powers of two, from 1, the widest bin of a region in the image needs."""
    widest = min(math.ceil((length + 1) / size) + 1, length)
    return widest.bit_length()


def _level(width: tf.Tensor, levels: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the largest power of two up to the width, at least 1: its logarithm, and itself."""
    level, power = tf.zeros_like(width), tf.ones_like(width)
    for at in range(1, levels):
        reached = tf.cast(width >= 2**at, width.dtype)
        level, power = level + reached, power + 2 ** (at - 1) * reached
    return level, power


def _window_table(features: tf.Tensor, levels_y: int, levels_x: int) -> tf.Tensor:
    """Return (batch, levels_y * levels_x * height * width, channels): the maximum over 2**level
    features downwards and to the right, starting from each."""
    table = []
    for level_y in range(levels_y):
        features = _doubled(features, 1, level_y) if level_y else features
        row = tf.identity(features)
        for level_x in range(levels_x):
            row = _doubled(row, 2, level_x) if level_x else row
            table.append(row)
    batch, _, _, channels = features.shape
    return tf.reshape(tf.stack(table, 1), (batch, -1, channels))


def _doubled(windows: tf.Tensor, axis: int, level: int) -> tf.Tensor:
    """Grow windows of 2**(level - 1) to 2**level; at the image's end they are cut off."""
    by, windows = 2 ** (level - 1), tf.identity(windows)
    here, after = tf.split(windows, [windows.shape[axis] - by, by], axis)
    shifted = tf.split(windows, [by, windows.shape[axis] - by], axis)[1]
    return tf.concat([tf.maximum(here, shifted), after], axis)

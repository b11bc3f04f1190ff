"""Multi-scale testing (appendix B, table 9): regions are pooled from an image pyramid.

As in the paper, it is done for the regions alone, not for the RPN: proposals come from the scale
that is trained at. For the rest the paper follows [NoC], S. Ren et al., "Object Detection Networks
on Convolutional Feature Maps", 2015: a region is pooled from two adjacent scales, which are merged
by maxout, the greater of each two numbers. The paper can be read so that layers after pooling come
before that; here it comes at once, and all of conv5_x is computed once a region. The whole image,
which the global context is pooled from, is a region like the others.
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from benchmark.detection import boxes
from benchmark.detection.roi_features import roi_features
from benchmark.spec.detector import RegionSpec

_AREA = 224.0**2
"""Of a region at the scale that suits it, in pixels ([Fast], section 3)."""


class Level(NamedTuple):
    """A batch at one scale."""

    features: tf.Tensor
    """(batch, height, width, channels)."""
    sizes: tf.Tensor
    """(batch, 2) int32: the images' heights and widths at this scale."""


def pooled(
    spec: RegionSpec, levels: Sequence[Level], regions: tf.Tensor, sizes: tf.Tensor, stride: int
) -> tf.Tensor:
    """Regions (batch, n, 4), in images of ``sizes`` (batch, 2), to (batch, n, size, size,
    channels): the maxout of those of a region's two levels, or those of the only level.

    All regions are pooled from each level, so that every shape is fixed; one level after the
    other, so that no more than one's are held beside the result.
    """
    scaled = [_scaled(regions, sizes, level.sizes) for level in levels]
    merged = roi_features(spec, levels[0].features, scaled[0], stride)
    if len(levels) == 1:
        return merged
    lower = lower_level(tf.stack([tf.reduce_prod(boxes.sides(each), -1) for each in scaled], -1))
    merged = _where(lower == 0, merged)
    for at in range(1, len(levels)):
        with tf.control_dependencies([merged]):
            found = roi_features(spec, levels[at].features, scaled[at], stride)
        merged = tf.maximum(merged, _where((lower == at) | (lower == at - 1), found))
    return merged


def lower_level(areas: tf.Tensor) -> tf.Tensor:
    """Which levels a region is pooled from: areas (batch, n, levels), in pixels at each, rising, to
    (batch, n) int32, the lower of the two.

    They are the level where the area is nearest to 224 x 224 pixels, by the absolute difference
    ([Fast], section 3, after SPP-net), and that one of its neighbours where it is then nearest; of
    two that are equally near, the lower. The paper says no more than that they are adjacent.

    As areas rise, these are the two nearest levels of all: a level is left for the second above it
    where that one is nearer, so where the mean of the areas at both is below 224 x 224.
    """
    means = (areas[..., :-2] + areas[..., 2:]) / 2
    return tf.reduce_sum(tf.cast(means < _AREA, tf.int32), -1)


def _scaled(regions: tf.Tensor, sizes: tf.Tensor, to: tf.Tensor) -> tf.Tensor:
    """(batch, n, 4) in images of ``sizes``, in pixels of the same images at sizes ``to``."""
    factors = tf.cast(to, tf.float32) / tf.cast(sizes, tf.float32)
    down, across = tf.unstack(factors[:, None], axis=-1)
    return regions * tf.stack([across, down, across, down], -1)


def _where(chosen: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
    """(batch, n, size, size, channels); of regions that are not ``chosen``, (batch, n), numbers
    that no maximum is of."""
    return tf.where(chosen[:, :, None, None, None], found, found.dtype.min)

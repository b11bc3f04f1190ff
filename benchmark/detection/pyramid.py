"""Multi-scale testing (appendix B, table 9): regions are pooled from an image pyramid.

As in the paper, this applies only to the regions, not to the RPN: proposals come from the training
scale. Otherwise the paper follows [NoC], S. Ren et al., "Object Detection Networks on Convolutional
Feature Maps", 2015: a region is pooled from two adjacent scales, which are merged by maxout, the
elementwise maximum. The paper can be read to mean that layers after pooling come before the merge;
here the merge comes at once, and all of conv5_x is computed once per region. The whole image, from
which the global context is pooled, is a region like the others.
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from benchmark.detection import boxes
from benchmark.detection.roi_features import roi_features
from benchmark.spec.detector import RegionSpec

_AREA = 224.0**2
"""Area of a region at the scale that suits it, in pixels ([Fast], section 3)."""


class Level(NamedTuple):
    """A batch at one scale."""

    features: tf.Tensor
    """(batch, height, width, channels)."""
    sizes: tf.Tensor
    """(batch, 2) int32: the images' heights and widths at this scale."""


def pooled(
    spec: RegionSpec, levels: Sequence[Level], regions: tf.Tensor, sizes: tf.Tensor, stride: int
) -> tf.Tensor:
    """Map regions (batch, n, 4), in images of ``sizes`` (batch, 2), to (batch, n, size, size,
    channels): the maxout of a region's features at its two levels, or those of the only level.

    All regions are pooled from each level, so that every shape is fixed; one level after another,
    so that at most one level's features are held in addition to the result.
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
    """Choose the levels that a region is pooled from: map areas (batch, n, levels), in pixels at
    each level, ascending, to (batch, n) int32, the lower of the two.

    They are the level whose area is nearest to 224 x 224 pixels, by absolute difference ([Fast],
    section 3, after SPP-net), and whichever of its neighbours is nearer; in a tie, the lower. The
    paper only says that they are adjacent.

    As areas ascend, these are the two nearest of all levels: a level is dropped for the second one
    above it if that is nearer, that is, if the mean of the areas at both is below 224 x 224.
    """
    means = (areas[..., :-2] + areas[..., 2:]) / 2
    return tf.reduce_sum(tf.cast(means < _AREA, tf.int32), -1)


def _scaled(regions: tf.Tensor, sizes: tf.Tensor, to: tf.Tensor) -> tf.Tensor:
    """Convert (batch, n, 4) in images of ``sizes`` to pixels of the same images at sizes ``to``."""
    factors = tf.cast(to, tf.float32) / tf.cast(sizes, tf.float32)
    down, across = tf.unstack(factors[:, None], axis=-1)
    return regions * tf.stack([across, down, across, down], -1)


def _where(chosen: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
    """Return (batch, n, size, size, channels), with regions not ``chosen``, (batch, n), set to the
    lowest number, which no maximum takes."""
    return tf.where(chosen[:, :, None, None, None], found, found.dtype.min)

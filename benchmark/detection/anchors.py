"""The reference boxes of proposals ([Faster], section 3.1.1)."""

import numpy as np
import tensorflow as tf

from benchmark.detection import boxes
from benchmark.spec.detector import AnchorSpec


def shapes(spec: AnchorSpec) -> np.ndarray:
    """Return (n, 2) float64: widths and heights of the anchors of one position, ratio by ratio."""
    roots = np.sqrt(np.array(spec.ratios))[:, None]
    scales = np.array(spec.scales)
    return np.stack([scales / roots, scales * roots], -1).reshape(-1, 2)


def anchors(spec: AnchorSpec, stride: int, height: int, width: int) -> np.ndarray:
    """Return (height * width * n, 4) float32, for features of ``height`` by ``width`` positions:
    row by row, the ``n`` of ``shapes`` at each position. All anchors of a position share the centre
    of the ``stride`` by ``stride`` pixels that it represents."""
    y, x = (stride * (np.arange(length) + 0.5) for length in (height, width))
    centres = np.stack(np.meshgrid(x, y), -1)[:, :, None]
    half = shapes(spec) / 2
    both = np.concatenate([centres - half, centres + half], -1)
    return both.reshape(-1, 4).astype(np.float32)


def inside(anchors: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
    """Map anchors (n, 4) and sizes (batch, 2) to (batch, n) bool: true if within the image."""
    corner = boxes.whole(sizes)[:, None, 2:]
    within = (anchors[:, :2] >= 0) & (anchors[:, 2:] <= corner)
    return tf.reduce_all(within, -1)

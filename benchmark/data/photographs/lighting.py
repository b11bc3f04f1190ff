"""AlexNet's colour augmentation (its section 4.1), which the paper uses."""

import math

import numpy as np

from benchmark.data.photographs.draws import LIGHTING
from benchmark.data.photographs.philox import random_raw

STDDEV = 0.1
"""Standard deviation of the factors drawn for each principal component of each image."""


def lighting_offsets(
    seed: int,
    epochs: np.ndarray,
    indices: np.ndarray,
    eigenvalues: np.ndarray,
    eigenvectors: np.ndarray,
) -> np.ndarray:
    """Return (n, 3) float32 to be added to the red, green and blue of each pixel, from 0 to 255,
    of the images (n,) in the epochs (n,): each is a pure function of (seed, epoch, index).

    ``eigenvalues`` (3,) and ``eigenvectors`` (3, 3; one per column) are of the covariance of pixels
    from 0 to 1, as AlexNet's must have been: from 0 to 255 the offsets would drown the images.
    """
    count = len(indices)
    counters = np.zeros((count, 4), np.uint64)
    counters[:, 1], counters[:, 2] = indices, LIGHTING
    keys = np.empty((count, 2), np.uint64)
    keys[:, 0], keys[:, 1] = seed, np.asarray(epochs, np.uint64) * np.uint64(2) + np.uint64(1)
    uniform = (random_raw(counters, keys, 6) >> np.uint64(11)) * 2.0**-53
    # By the Box-Muller method. NumPy's logarithms and cosines differ from C's in the last bits.
    drawn = [
        math.sqrt(-2 * math.log(1.0 - radius)) * math.cos(2 * math.pi * angle)
        for radius, angle in uniform.reshape(-1, 2).tolist()
    ]
    alpha = STDDEV * np.array(drawn).reshape(count, 1, 3)
    return (255 * (eigenvectors * (alpha * eigenvalues)).sum(2)).astype(np.float32)

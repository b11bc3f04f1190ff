"""AlexNet's colour augmentation (its section 4.1), which the paper uses."""

import numpy as np

from benchmark.data.photographs.draws import LIGHTING, normal, words

STDDEV = 0.1
"""Of the factors that are drawn, one for each principal component of each image."""


def lighting_offset(
    seed: int, epoch: int, index: int, eigenvalues: np.ndarray, eigenvectors: np.ndarray
) -> np.ndarray:
    """(3,) float32, to be added to each pixel's red, green and blue, which go from 0 to 255.

    ``eigenvalues`` (3,) and ``eigenvectors`` (3, 3; a column each) are of the covariance of pixels
    from 0 to 1, as AlexNet's must have been: from 0 to 255 the offsets would drown the images.
    """
    drawn = words(seed, epoch, index, LIGHTING, 6)
    alpha = np.array([STDDEV * normal(*drawn[place : place + 2]) for place in (0, 2, 4)])
    return (255 * (eigenvectors * (alpha * eigenvalues)).sum(1)).astype(np.float32)

"""Random numbers for an image in an epoch: pure functions of (seed, epoch, index), from Philox's
raw output, which NumPy keeps the same in every version (it does not promise this for samplers)."""

import numpy as np

VIEW, LIGHTING, CANVAS = 1, 2, 3
"""What the numbers are for. Each purpose and each image has its own stream."""


def words(seed: int, epoch: int, index: int, purpose: int, count: int) -> np.ndarray:
    """Return (count,) uint64. The image's index is part of the generator's counter, so no other
    image's numbers need to be drawn."""
    key = np.array([seed, epoch * 2 + 1], np.uint64)
    counter = np.array([0, index, purpose, 0], np.uint64)
    return np.random.Philox(counter=counter, key=key).random_raw(count)


def uniform(word: np.uint64, low: float = 0.0, high: float = 1.0) -> float:
    """Map a word to a number from ``low`` to just below ``high``, in steps of 2**-53 the range."""
    return low + (high - low) * ((int(word) >> 11) * 2.0**-53)


def integer(word: np.uint64, low: int, high: int) -> int:
    """Map a word to ``low`` to ``high``, inclusive; probabilities differ by at most 2**-64."""
    return low + (int(word) * (high - low + 1) >> 64)

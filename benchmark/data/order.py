"""Which images a step sees, and how each is cropped and flipped: pure functions of
(seed, epoch, index), with no state to save.

The images form one endless stream: epoch 0 in its order, then epoch 1 in its own, and so on.
Iteration ``i`` takes the next ``batch_size`` of them, so every batch is full, a batch may span two
epochs, and each epoch shows each image once. The random numbers are Philox's raw output, which
NumPy keeps the same in every version.
"""

from functools import lru_cache

import numpy as np

_ORDER, _AUGMENTATION = 0, 1

PADDING = 4
"""Zeros added on each side before cropping (section 4.2)."""

_OFFSETS = 2 * PADDING + 1


@lru_cache(maxsize=4)
def epoch_order(seed: int, epoch: int, count: int) -> np.ndarray:
    """Return a permutation of ``range(count)``, int32, read-only."""
    order = np.argsort(_raw(seed, epoch, _ORDER, count), kind="stable").astype(np.int32)
    order.flags.writeable = False
    return order


@lru_cache(maxsize=4)
def epoch_crops(seed: int, epoch: int, count: int) -> np.ndarray:
    """Return (count, 3) int32, indexed by image: the crop's top and left, 0 to 8, and 1 for a
    flip. Read-only."""
    top, rest = np.divmod(_raw(seed, epoch, _AUGMENTATION, count) % (2 * _OFFSETS**2), 2 * _OFFSETS)
    left, flip = np.divmod(rest, 2)
    crops = np.stack([top, left, flip], axis=1).astype(np.int32)
    crops.flags.writeable = False
    return crops


def shown(
    seed: int, first: int, steps: int, batch_size: int, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the image indices and their epochs, each (steps, batch_size), of the iterations
    ``first`` to ``first + steps - 1``, counted from 0."""
    position = np.arange(first * batch_size, (first + steps) * batch_size)
    epochs, places = np.divmod(position, count)
    indices = np.empty(len(position), np.int32)
    for epoch in np.unique(epochs):
        here = epochs == epoch
        indices[here] = epoch_order(seed, int(epoch), count)[places[here]]
    return indices.reshape(steps, batch_size), epochs.reshape(steps, batch_size)


def batches(
    seed: int, first: int, steps: int, batch_size: int, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the image indices (steps, batch_size) and crops (steps, batch_size, 3) of the
    iterations ``first`` to ``first + steps - 1``, counted from 0."""
    indices, epochs = shown(seed, first, steps, batch_size, count)
    crops = np.empty((*indices.shape, 3), np.int32)
    for epoch in np.unique(epochs):
        here = epochs == epoch
        crops[here] = epoch_crops(seed, int(epoch), count)[indices[here]]
    return indices, crops


def epoch_ends(iterations: int, batch_size: int, count: int) -> list[int]:
    """Return the iteration at which each epoch of a run ends: the first that completes it.

    The last epoch also takes the remaining iterations if they are less than half an epoch. Epochs
    that end with the same iteration, as of data smaller than two batches, count as one.
    """
    epochs = max(1, round(iterations * batch_size / count))
    return sorted({-(-epoch * count // batch_size) for epoch in range(1, epochs)} | {iterations})


def _raw(seed: int, epoch: int, purpose: int, count: int) -> np.ndarray:
    key = np.array([seed, epoch * 2 + purpose], np.uint64)
    return np.random.Philox(key=key).random_raw(count)

"""Which images a step sees: a pure function of (seed, iteration), even if a batch may hold images
of only one group."""

import numpy as np

from benchmark.data.order import epoch_order, shown


def batch_of(
    seed: int, iteration: int, batch_size: int, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return image indices and their epochs, each (batch_size,), of an iteration, counted from 0.

    ``high``: (n,) bool, the group of each image. Each group's images form an endless stream in the
    order of ``data.order``: those of epoch 0, then those of epoch 1, and so on. A batch is formed
    as soon as one stream has enough images for it, and an epoch shows each image once.
    """
    count = len(high)
    sizes = np.array([count - high.sum(), high.sum()])
    if not sizes.all():
        indices, epochs = shown(seed, iteration, 1, batch_size, count)
        return indices[0], epochs[0]

    def due(epochs: int) -> int:
        """Return the number of batches formed in so many epochs."""
        return int((epochs * sizes // batch_size).sum())

    epoch = iteration * batch_size // count  # Two streams hold back at most two batches.
    while due(epoch + 1) <= iteration:
        epoch += 1
    groups = high[epoch_order(seed, epoch, count)].astype(int)
    within = np.where(groups, np.cumsum(groups), np.cumsum(1 - groups))
    ends = epoch * sizes[groups] + within  # Length of each image's stream up to and including it.
    place = np.flatnonzero(ends % batch_size == 0)[iteration - due(epoch)]
    return _of_stream(seed, int(ends[place]) - batch_size, batch_size, high, bool(groups[place]))


def _of_stream(
    seed: int, first: int, batch_size: int, high: np.ndarray, group: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the images of a group's stream from ``first`` on."""
    epochs, places = np.divmod(np.arange(first, first + batch_size), (high == group).sum())
    indices = np.empty(batch_size, np.int32)
    for epoch in np.unique(epochs):
        order = epoch_order(seed, int(epoch), len(high))
        here = epochs == epoch
        indices[here] = order[high[order] == group][places[here]]
    return indices, epochs

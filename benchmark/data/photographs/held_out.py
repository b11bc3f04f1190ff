"""Which training photographs are held out for validation."""

import numpy as np

_KEY = np.array([2**63, 0], np.uint64)
"""Not the key of any run: seeds are below 2**32."""


def fixed_order(count: int) -> np.ndarray:
    """Return a permutation of ``range(count)``, int64, that depends only on ``count``. Files are
    sorted by class, so the last ones would all be of one class; in this order they are not."""
    return np.argsort(np.random.Philox(key=_KEY).random_raw(count), kind="stable")


def parted(count: int, held_out: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the images to train on, and of the last ``held_out`` in the fixed
    order, which are held out; both ascending."""
    order = fixed_order(count)
    return np.sort(order[: count - held_out]), np.sort(order[count - held_out :])

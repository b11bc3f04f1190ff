"""Which training photographs are kept for validation."""

import numpy as np

_KEY = np.array([2**63, 0], np.uint64)
"""Of no run: seeds are below 2**32."""


def fixed_order(count: int) -> np.ndarray:
    """A permutation of ``range(count)``, int64, that depends on ``count`` alone. Files are in the
    order of their classes, so their last would all be of one class; this order's are not."""
    return np.argsort(np.random.Philox(key=_KEY).random_raw(count), kind="stable")


def parted(count: int, held_out: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the training images that are trained on, and of the ``held_out`` last of the
    fixed order, which are not; both rising."""
    order = fixed_order(count)
    return np.sort(order[: count - held_out]), np.sort(order[count - held_out :])

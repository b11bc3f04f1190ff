"""Which training photographs are kept for validation."""

import numpy as np

_KEY = np.array([2**63, 0], np.uint64)
"""A key that no run has: seeds are below 2**32."""


def fixed_order(count: int) -> np.ndarray:
    """Return a permutation of ``range(count)``, int64, that depends only on ``count``. Files are
    ordered by class, so the last ones would all be of one class; those of this order are not."""
    return np.argsort(np.random.Philox(key=_KEY).random_raw(count), kind="stable")


def parted(count: int, held_out: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the training images that are trained on, and of the ``held_out`` last
    in the fixed order, which are not; both increasing."""
    order = fixed_order(count)
    return np.sort(order[: count - held_out]), np.sort(order[count - held_out :])

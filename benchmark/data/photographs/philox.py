"""NumPy's Philox (Salmon et al., 2011: four words of 64 bits, ten rounds) for many counters at
once, which NumPy itself can only do one at a time."""

import numpy as np

_ROUNDS = 10
_MULTIPLIERS = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_STEPS = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


def random_raw(counters: np.ndarray, keys: np.ndarray, count: int) -> np.ndarray:
    """Return (n, ``count``) uint64: in each row what ``np.random.Philox(counter=, key=)`` gives
    with ``random_raw(count)``. ``counters`` (n, 4) uint64, whose first word does not overflow;
    ``keys`` (n, 2) uint64."""
    blocks = []
    for block in range(1, -(-count // 4) + 1):  # NumPy increments the counter before it draws.
        words = [column.copy() for column in counters.T]
        words[0] += np.uint64(block)
        blocks += _drawn(words, [column.copy() for column in keys.T])
    return np.stack(blocks[:count], axis=1)


def _drawn(words: list[np.ndarray], key: list[np.ndarray]) -> list[np.ndarray]:
    for round_ in range(_ROUNDS):
        if round_:
            key = [each + step for each, step in zip(key, _STEPS, strict=True)]
        high_0, low_0 = _product(words[0], _MULTIPLIERS[0])
        high_1, low_1 = _product(words[2], _MULTIPLIERS[1])
        words = [high_1 ^ words[1] ^ key[0], low_1, high_0 ^ words[3] ^ key[1], low_0]
    return words


def _product(one: np.ndarray, other: np.uint64) -> tuple[np.ndarray, np.ndarray]:
    """Return the high and the low word of the products."""
    a, b = one >> _HALF, one & _LOW
    c, d = other >> _HALF, other & _LOW
    low, first, second = b * d, a * d, b * c
    middle = (low >> _HALF) + (first & _LOW) + (second & _LOW)
    return a * c + (first >> _HALF) + (second >> _HALF) + (middle >> _HALF), one * other

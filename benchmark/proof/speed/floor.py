"""The floor: multiply-adds per second that this machine reaches in a matrix product."""

import time
from pathlib import Path

import tensorflow as tf

from benchmark.proof.speed.case import Case
from benchmark.training import process

_SIDE = 2048


class MatrixProduct:
    """Square matrices of random numbers, multiplied repeatedly."""

    parameters = None

    def __init__(self, dtype: tf.DType):
        self.left, self.right = (tf.cast(tf.random.normal((_SIDE, _SIDE)), dtype) for _ in range(2))

    def losses(self, steps: int) -> list[float]:
        """Return no losses: it trains nothing."""
        return []

    def work(self, seconds: float) -> tuple[float, float]:
        """Return the multiply-adds and the seconds that they took."""
        count, started = 0, time.perf_counter()
        while not count or time.perf_counter() - started < seconds:
            product = tf.linalg.matmul(self.left, self.right)
            float(product[0, 0])  # Waits for a GPU; on a CPU it is complete on return.
            count += 1
        return count * _SIDE**3, time.perf_counter() - started


def build(case: Case, weights: Path) -> MatrixProduct:
    """Build it in the case's precision, on its threads."""
    process.configure(case.numerics, seed=0)
    return MatrixProduct(tf.float32 if case.precision == "float32" else tf.bfloat16)

"""The floor: the rate of this machine's matrix product, in multiply-adds per second."""

import time
from pathlib import Path

import tensorflow as tf

from benchmark.proof.speed.case import Case
from benchmark.training import process

_SIDE = 2048


class MatrixProduct:
    """Square matrices of random numbers, multiplied again and again."""

    parameters = None

    def __init__(self, dtype: tf.DType):
        self.left, self.right = (tf.cast(tf.random.normal((_SIDE, _SIDE)), dtype) for _ in range(2))

    def losses(self, steps: int) -> list[float]:
        """Return no losses: nothing is trained."""
        return []

    def work(self, seconds: float) -> tuple[float, float]:
        """Return multiply-adds, and the seconds that they took."""
        count, started = 0, time.perf_counter()
        while not count or time.perf_counter() - started < seconds:
            product = tf.linalg.matmul(self.left, self.right)
            float(product[0, 0])  # Wait for a GPU; a CPU is done on return.
            count += 1
        return count * _SIDE**3, time.perf_counter() - started


def build(case: Case, weights: Path) -> MatrixProduct:
    """Build it in the case's precision, on its threads."""
    process.configure(case.numerics, seed=0)
    return MatrixProduct(tf.float32 if case.precision == "float32" else tf.bfloat16)

"""Photographs read and decoded ahead of use: in order, in parallel, in bounded memory."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from benchmark.data.feed import Views
from benchmark.data.images import DataError
from benchmark.data.photographs.decode import (
    Request,
    check,
    decoded_windows,
    header,
    request,
    requests_signature,
)
from benchmark.data.photographs.source import Encoded

_READERS = 8

_AHEAD = 2
"""Number of batches that are decoded ahead."""

_OTHER_STAGES = 2
"""Threads that read and assemble batches, so that decoding threads need not."""

ENDLESS = 2**40
"""A number of batches greater than any run needs."""


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def decoded(
    source: Encoded,
    split: str,
    batches: Callable[[int], Sequence[tuple[int, Views]]],
    count: int,
    *,
    windows: int,
    batch_size: int,
    workers: int,
) -> Iterator[tf.Tensor]:
    """Yield (batch, windows, height, width, 3) uint8 for each of ``count`` batches, in order.

    ``batches`` returns which photographs are in a batch, by index, and which ``windows`` views to
    take of each; the outputs of a batch have the same size. All but the last have ``batch_size``
    photographs. The bits do not depend on ``workers``, the decoding threads. At most two batches
    wait decoded, one is being decoded, and the bytes of three are held or being read (usually two:
    each stage may hold one while it passes on another). Raises DataError with the file.

    Files are read by a function that is declared stateless, as it is a pure function of the batch's
    number: with a generator, TensorFlow's determinism would prevent prefetching. Some of the
    scaling is done by TensorFlow's threads within an operation (``numerics.threads``) regardless of
    a pipeline's options, and costs more CPU time if there are several.
    """
    failed: dict[int, Exception] = {}
    signature = requests_signature(windows)

    def read(wanted: tuple[int, Views]) -> Request:
        index, views = wanted
        encoded = source.encoded(split, index)
        try:
            about = header(encoded)
        except DataError as error:
            raise DataError(f"{source.path(split, index)} {error}") from error
        return request(encoded, about, views(about.height, about.width))

    def read_batch(number: np.ndarray) -> list[np.ndarray]:
        try:
            return _columns(list(readers.map(read, batches(int(number)))))
        except Exception as error:  # TensorFlow passes on only its text.
            failed[int(number)] = error
            raise

    def requests(number: tf.Tensor) -> Request:
        kinds = [spec.dtype for spec in signature]
        columns = tf.numpy_function(read_batch, [number], kinds, stateful=False)
        shaped = zip(columns, signature, strict=True)
        return Request(*(tf.ensure_shape(column, spec.shape) for column, spec in shaped))

    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = workers + _OTHER_STAGES
    options.threading.max_intra_op_parallelism = 1  # A photograph is too small to share out.
    with ThreadPoolExecutor(_READERS) as readers:
        with tf.device("CPU:0"):
            pixels = (
                tf.data.Dataset.range(count)
                .map(requests, num_parallel_calls=1, deterministic=True)
                .unbatch()
                .map(decoded_windows, num_parallel_calls=2 * workers, deterministic=True)
                .batch(batch_size)
                .prefetch(_AHEAD)
            )
            ready = iter(pixels.with_options(options))
        for number in range(count):
            try:
                batch = next(ready)
            except tf.errors.OpError as error:
                reason = failed.get(number) or _undecodable(source, split, batches(number))
                raise reason or error from error
            yield batch


class Onward:
    """Batches on request, from a pipeline that is restarted if a call does not continue from the
    last one."""

    def __init__(self, begin: Callable[[int, int, int], Iterator[tf.Tensor]]):
        """``begin``: returns the batches for a seed and batch size from a first iteration on."""
        self._begin = begin
        self._next: tuple[int, ...] = ()
        """Seed, batch size and iteration of the batch that comes next."""
        self._batches: Iterator[tf.Tensor] = iter(())

    def batches(self, seed: int, batch_size: int, first: int, steps: int) -> list[tf.Tensor]:
        """Return the batches of iterations ``first`` to ``first + steps - 1``."""
        if (seed, batch_size, first) != self._next:
            self._batches = self._begin(seed, batch_size, first)
        self._next = ()  # So that another call restarts if this one fails.
        found = [next(self._batches) for _ in range(steps)]
        self._next = seed, batch_size, first + steps
        return found


def _columns(rows: Sequence[Request]) -> list[np.ndarray]:
    """Return the columns of a batch's requests. Bytes stay objects: NumPy's byte arrays would drop
    trailing zeros."""
    encoded, *columns = zip(*rows, strict=True)
    return [np.array(encoded, object), *map(np.array, columns)]


def _undecodable(
    source: Encoded, split: str, batch: Sequence[tuple[int, Views]]
) -> DataError | None:
    """Return the error of the photograph in a batch that TensorFlow cannot decode."""
    for index, _ in batch:
        try:
            check(source.encoded(split, index))
        except DataError as error:
            return DataError(f"{source.path(split, index)} {error}")
    return None

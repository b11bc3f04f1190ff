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
"""Decoded batches that wait before they are requested."""

_OTHER_STAGES = 2
"""Threads that read files and assemble batches, so that the decoding threads do not have to."""

ENDLESS = 2**40
"""Batches: more than any run requests."""


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
    """Yield each of ``count`` batches, in order: (batch, windows, height, width, 3) uint8.

    ``batches`` says which photographs are in a batch, by index, and which ``windows`` views are
    wanted of each; all outputs of a batch have one size. All batches but the last have
    ``batch_size`` photographs. The bits do not depend on ``workers``, the number of decoding
    threads. At most two decoded batches wait, ``2 * workers`` photographs are being decoded, and
    the bytes of the next batch are in memory or being read. Raises DataError, which names the file.

    Files are read by a function that is declared stateless, as it is a pure function of the batch's
    number: with a generator, TensorFlow's determinism would prevent anything from running ahead.
    Part of the scaling is done by TensorFlow's intra-op threads (``numerics.threads``), whatever
    the pipeline's options are, and costs more CPU time when there are several.
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
    # Fused, decoding and batching run ahead by up to ten batches, as chance has it.
    options.experimental_optimization.map_and_batch_fusion = False
    options.threading.private_threadpool_size = workers + _OTHER_STAGES
    options.threading.max_intra_op_parallelism = 1  # A photograph is too small to split.
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
    previous one."""

    def __init__(self, begin: Callable[[int, int, int], Iterator[tf.Tensor]]):
        """``begin``: from seed, batch size and first iteration to the batches from there on."""
        self._begin = begin
        self._next: tuple[int, ...] = ()
        """Seed, batch size and iteration of the batch that comes next."""
        self._batches: Iterator[tf.Tensor] = iter(())

    def batches(self, seed: int, batch_size: int, first: int, steps: int) -> list[tf.Tensor]:
        """Return the batches of the iterations ``first`` to ``first + steps - 1``."""
        if (seed, batch_size, first) != self._next:
            self._batches = self._begin(seed, batch_size, first)
        self._next = ()  # If this fails, the next call starts again.
        found = [next(self._batches) for _ in range(steps)]
        self._next = seed, batch_size, first + steps
        return found


def _columns(rows: Sequence[Request]) -> list[np.ndarray]:
    """Return a batch's columns. Bytes stay objects: other arrays would strip their final zeros."""
    encoded, *columns = zip(*rows, strict=True)
    return [np.array(encoded, object), *map(np.array, columns)]


def _undecodable(
    source: Encoded, split: str, batch: Sequence[tuple[int, Views]]
) -> DataError | None:
    """Return the error for the photograph of a batch that TensorFlow cannot decode."""
    for index, _ in batch:
        try:
            check(source.encoded(split, index))
        except DataError as error:
            return DataError(f"{source.path(split, index)} {error}")
    return None

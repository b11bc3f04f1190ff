"""Photographs read and decoded ahead of their use: in order, in parallel, in bounded memory."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from benchmark.data.images import DataError
from benchmark.data.photographs.decode import (
    Request,
    decoded_windows,
    header,
    request,
    requests_signature,
)
from benchmark.data.photographs.geometry import Window
from benchmark.data.photographs.source import Source

Views = Callable[[int, int], Sequence[Window]]
"""From a photograph's height and width to the windows that are wanted of it."""

_READERS = 8

_AHEAD = 2
"""Batches that lie decoded before they are asked for."""


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def decoded(
    source: Source,
    split: str,
    batches: Iterable[Sequence[tuple[int, Views]]],
    *,
    windows: int,
    batch_size: int,
    workers: int,
) -> Iterator[tf.Tensor]:
    """For each of ``batches``, in order, (batch, windows, height, width, 3) uint8.

    Each batch is of ``batch_size`` photographs, by index, but the last may be of fewer; each has
    ``windows`` views, and all outputs of a batch are of one size. At the most two batches wait
    decoded, and as many as files' bytes. The bits do not depend on ``workers``, the threads that
    decode. Raises DataError, which names the file.

    The files are read by Python, a batch at a time, and decoded by a stateless graph: TensorFlow's
    determinism makes one thread of a graph with a state.
    """
    waiting: deque[Sequence[tuple[int, Views]]] = deque()
    failed: list[DataError] = []

    def read(wanted: tuple[int, Views]) -> Request:
        index, views = wanted
        encoded = source.encoded(split, index)
        try:
            about = header(encoded)
        except DataError as error:
            raise DataError(f"{source.path(split, index)} {error}") from error
        return request(encoded, about, views(about.height, about.width))

    def requests() -> Iterator[Request]:
        with ThreadPoolExecutor(_READERS) as readers:
            for batch in batches:
                waiting.append(batch)
                try:
                    rows = list(readers.map(read, batch))
                except DataError as error:
                    failed.append(error)
                    raise
                yield _columns(rows)

    options = tf.data.Options()
    options.threading.private_threadpool_size = workers
    options.threading.max_intra_op_parallelism = 1
    with tf.device("CPU:0"):
        files = tf.data.Dataset.from_generator(
            requests, output_signature=requests_signature(windows)
        )
        pixels = (
            files.prefetch(1)
            .unbatch()
            .map(_decode, num_parallel_calls=workers, deterministic=True)
            .batch(batch_size)
            .prefetch(_AHEAD)
        )
        batched = iter(pixels.with_options(options))
    while True:
        try:
            ready = next(batched)
        except StopIteration:
            return
        except tf.errors.OpError as error:
            if failed:
                raise failed[0] from error
            raise _undecodable(source, split, waiting[0]) from error
        waiting.popleft()
        yield ready


def _columns(rows: Sequence[Request]) -> Request:
    """Of a batch's requests. Bytes stay objects: other arrays of them would cut off their zeros."""
    encoded, *columns = zip(*rows, strict=True)
    return Request(np.array(encoded, object), *map(np.array, columns))


def _decode(*asked: tf.Tensor) -> tf.Tensor:
    return decoded_windows(Request(*asked))


def _undecodable(source: Source, split: str, batch: Sequence[tuple[int, Views]]) -> DataError:
    """Which of a batch it is that TensorFlow cannot decode."""
    for index, views in batch:
        encoded = source.encoded(split, index)
        about = header(encoded)
        try:
            decoded_windows(request(encoded, about, views(about.height, about.width)))
        except tf.errors.OpError as error:
            rule = f"{source.path(split, index)} must be an image that can be decoded"
            return DataError(f"{rule}. Received: {error.message}")
    return DataError(f"{split} images must be such as can be decoded. Received: one that cannot")

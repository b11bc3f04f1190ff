"""Data parallelism over several devices of one host: each replica trains on part of a batch."""

from contextlib import AbstractContextManager

import tensorflow as tf


class Replicas:
    """The devices of a run, and the part of a batch that each of them takes.

    The gradient is the mean of the replicas' gradients. Batch statistics are each replica's own,
    as on the paper's GPUs (64 or 32 images each); the model's moving statistics are those of the
    first replica, as in fb.resnet.torch.
    """

    def __init__(self, count: int):
        """Use one GPU per replica, or logical CPU devices if there is no GPU.

        Raises ValueError if there are GPUs, but too few.
        """
        self.count = count
        self.devices = _devices(count)
        self.strategy = (
            tf.distribute.MirroredStrategy(self.devices)
            if count > 1
            else tf.distribute.get_strategy()
        )

    def scope(self) -> AbstractContextManager[object]:
        """Return the scope in which to create the variables, with a copy on each device."""
        return self.strategy.scope()

    def share(self, batch: tf.Tensor) -> tf.Tensor:
        """Return a replica's rows of a batch. Call it within a replica."""
        size = batch.shape[0] // self.count
        start = self.number() * size
        return batch[start : start + size]

    def number(self) -> int:
        """Return a replica's index, from 0. Call it within a replica."""
        context = tf.distribute.get_replica_context()
        return int(tf.get_static_value(context.replica_id_in_sync_group))

    def mean(self, tensors: list[tf.Tensor]) -> list[tf.Tensor]:
        """Return the means over all replicas. Call it within a replica."""
        return self._reduced(tf.distribute.ReduceOp.MEAN, tensors)

    def sum(self, tensors: list[tf.Tensor]) -> list[tf.Tensor]:
        """Return the sums over all replicas. Call it within a replica."""
        return self._reduced(tf.distribute.ReduceOp.SUM, tensors)

    def _reduced(self, how: tf.distribute.ReduceOp, tensors: list[tf.Tensor]) -> list[tf.Tensor]:
        if self.count == 1:
            return tensors
        return tf.distribute.get_replica_context().all_reduce(how, tensors)


def _devices(count: int) -> list[str]:
    gpus = tf.config.list_logical_devices("GPU")
    if count > 1 and 0 < len(gpus) < count:
        raise ValueError(
            f"numerics.replicas must be at most this machine's number of GPUs, {len(gpus)}. "
            f"Received: {count}"
        )
    return [device.name for device in (gpus or tf.config.list_logical_devices("CPU"))[:count]]

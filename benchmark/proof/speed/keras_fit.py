"""Peer: stock Keras with its own batch normalization and SGD, ``fit``, and tf.data."""

import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file

from benchmark.data.order import PADDING
from benchmark.data.resident import crop_and_flip
from benchmark.models.build import build_model
from benchmark.models.count import counted_cost
from benchmark.models.layers import ZeroPadShortcut
from benchmark.models.reference_weights import load_reference_weights
from benchmark.proof.speed.case import (
    MOMENTUM,
    NETS,
    WEIGHT_DECAY,
    Case,
    Net,
    images,
    normalized,
)

_AHEAD, _MIN_STEPS = 3, 4


class KerasFit:
    """``fit`` of a compiled model."""

    def __init__(self, net: Net, weights: Path | None, *, on_gpu: bool = False):
        """``weights``: None for ``keras.applications``' model, which draws its own."""
        self.net, self.weights, self.on_gpu = net, weights, on_gpu
        self.model = self._compiled(net.size)
        self.parameters = counted_cost(self.model).parameters
        self.batches = _augmented(net)
        self.images_per_s = 0.0

    def losses(self, steps: int) -> list[float]:
        """Return the losses by ``train_on_batch``."""
        if self.weights is None:
            return []
        size, batch = self.net.agreement_size, self.net.batch
        model = self.model if size == self.net.size else self._compiled(size)
        pixels, labels = images(self.net, size)
        pixels = normalized(pixels)
        losses = []
        for step in range(steps):
            rows = np.arange(step * batch, (step + 1) * batch) % self.net.images
            model.reset_metrics()
            losses.append(float(model.train_on_batch(pixels[rows], labels[rows])[0]))
        return losses

    def work(self, seconds: float) -> tuple[float, float]:
        """Call ``fit`` once, timed after the batches that it prefetched are used up."""
        steps = max(_MIN_STEPS, round(seconds * self.images_per_s / self.net.batch))
        clock = _Clock()
        self.model.fit(
            self.batches, steps_per_epoch=_AHEAD + steps, epochs=1, verbose=0, callbacks=[clock]
        )
        count, taken = steps * self.net.batch, clock.ends[-1] - clock.ends[_AHEAD - 1]
        self.images_per_s = count / taken
        return count, taken

    def _compiled(self, size: int) -> keras.Model:
        net, shape = self.net, (self.net.size, self.net.size, 3)
        if self.weights is None:
            model = keras.applications.ResNet50(
                weights=None, input_shape=shape, classes=net.classes, classifier_activation=None
            )
        else:
            ours = build_model(net.spec, (size, size, 3), net.classes)
            model = keras.models.clone_model(ours, clone_function=_stock)
            load_reference_weights(model, load_file(self.weights))
        model.compile(
            optimizer=keras.optimizers.SGD(net.learning_rate, MOMENTUM, weight_decay=WEIGHT_DECAY),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
            jit_compile="auto" if self.on_gpu else False,  # On a CPU, the faster of the two.
        )
        return model


class _Clock(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.ends: list[float] = []

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        self.ends.append(time.perf_counter())


def build(case: Case, weights: Path, *, application: bool) -> KerasFit:
    """Build the same net, or ``keras.applications.ResNet50``."""
    tf.config.threading.set_intra_op_parallelism_threads(case.threads)
    tf.config.threading.set_inter_op_parallelism_threads(case.threads)
    keras.config.set_dtype_policy(case.precision)
    keras.utils.set_random_seed(0)
    for gpu in tf.config.list_physical_devices("GPU"):  # The contenders share it.
        tf.config.experimental.set_memory_growth(gpu, True)
    own = None if application else weights
    return KerasFit(NETS[case.net], own, on_gpu=case.device == "gpu")


class SlicedShortcut(ZeroPadShortcut):
    """Option A as it is usually written: a strided slice, and a pad."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Subsample and pad."""
        gained = self.channels - x.shape[-1]
        return keras.ops.pad(
            x[:, :: self.stride, :: self.stride], ((0, 0), (0, 0), (0, 0), (0, gained))
        )


def _stock(layer: keras.Layer) -> keras.Layer:
    """Replace the fused batch normalization by Keras's own, and use the usual option A."""
    kind = layer.__class__
    if isinstance(layer, keras.layers.BatchNormalization):
        kind = keras.layers.BatchNormalization
    if isinstance(layer, ZeroPadShortcut):
        kind = SlicedShortcut
    return kind.from_config(layer.get_config())


def _augmented(net: Net) -> tf.data.Dataset:
    """Shuffle, and crop and flip one batch at a time, in parallel and ahead of the step."""
    pixels, labels = images(net, net.size)
    mean = pixels.mean(0, dtype=np.float64).astype(np.float32)

    def augment(x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        crops = tf.random.uniform((net.batch, 2), 0, 2 * PADDING + 1, tf.int64)
        flips = tf.random.uniform((net.batch, 1), 0, 2, tf.int64)
        x = (tf.cast(x, tf.float32) - mean) * (1 / 255)
        return crop_and_flip(x, tf.concat([crops, flips], 1)), y

    return (
        tf.data.Dataset.from_tensor_slices((pixels, labels))
        .shuffle(net.images)
        .repeat()
        .batch(net.batch, drop_remainder=True)
        .map(augment, num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(_AHEAD - 1)
    )

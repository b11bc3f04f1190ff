"""This project's training step, including augmentation in the graph and gradient norms."""

import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from safetensors.numpy import save

from benchmark.data.images import Images
from benchmark.data.order import PADDING
from benchmark.data.resident import ResidentImages
from benchmark.models.build import build_model
from benchmark.models.count import counted_cost
from benchmark.models.layers import pool_by_slices
from benchmark.models.reference_weights import reference_weights
from benchmark.proof.speed.case import MOMENTUM, NETS, WEIGHT_DECAY, Case, Net, images
from benchmark.records.files import write_bytes
from benchmark.spec import CifarSpec, SgdSpec
from benchmark.training import process
from benchmark.training.classification import CrossEntropy
from benchmark.training.loss_scale import LossScale
from benchmark.training.optimizers.sgd import Momentum
from benchmark.training.replicas import Replicas
from benchmark.training.step import TrainingSteps


class Ours:
    """``TrainingSteps`` of a net, on its resident images."""

    def __init__(self, net: Net, *, xla: bool = False):
        self.net, self.xla = net, xla
        self.model, self.data, self.steps = _trainer(net, net.size, xla=xla)
        self.parameters = counted_cost(self.model).parameters
        self.steps_a_call = self.data.steps_a_call if net.spec.stem == "cifar" else 1
        self.iteration = 0

    def losses(self, steps: int) -> list[float]:
        """Train on whole images: each crop removes exactly the padding, with no flip."""
        net, trainer = self.net, self.steps
        if net.agreement_size != net.size:
            model, _, trainer = _trainer(net, net.agreement_size, xla=self.xla)
            model.set_weights(self.model.get_weights())
        rows = np.arange(steps * net.batch).reshape(steps, net.batch) % net.images
        crops = np.broadcast_to(np.array([PADDING, PADDING, 0]), (steps, net.batch, 3))
        return [
            self._call(
                trainer,
                tf.constant(rows[i : i + 1], tf.int64),
                tf.constant(crops[i : i + 1], tf.int64),
            )
            for i in range(steps)
        ]

    def work(self, seconds: float) -> tuple[float, float]:
        """Train on augmented images."""
        first, started = self.iteration, time.perf_counter()
        while self.iteration == first or time.perf_counter() - started < seconds:
            count = self.steps_a_call
            inputs = self.data.train_inputs(0, self.net.batch, self.iteration, count)
            self._call(self.steps, *inputs)
            self.iteration += count
        return (self.iteration - first) * self.net.batch, time.perf_counter() - started

    def _call(self, steps: TrainingSteps, *inputs: tf.Tensor) -> float:
        rates = tf.fill(inputs[0].shape[:1], tf.constant(self.net.learning_rate))
        return float(tf.reduce_mean(steps(rates, *inputs).loss))


def build(case: Case, weights: Path, *, xla: bool) -> Ours:
    """Draw the weights, and write them for the others. With ``xla`` the loop over the steps is
    compiled, and the weights are the same, as they are drawn from the same seed."""
    process.configure(case.numerics, seed=0)
    ours = Ours(NETS[case.net], xla=xla)
    if not xla:
        write_weights(ours.model, weights)
    return ours


def write_weights(model: keras.Model, path: Path) -> None:
    """Write them in the reference's names and layout, all or nothing."""
    arrays = reference_weights(model)
    serialized = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    write_bytes(path, serialized)


def _trainer(
    net: Net, size: int, *, xla: bool
) -> tuple[keras.Model, ResidentImages, TrainingSteps]:
    """Return a model, its images of ``size``, and its training steps."""
    pixels, labels = images(net, size)
    stored = Images(pixels, labels.astype(np.uint8), pixels[:1], labels[:1].astype(np.uint8))
    data = ResidentImages(CifarSpec(name="cifar10-subset"), stored)
    model = build_model(net.spec, (size, size, 3), net.classes)
    if xla:
        pool_by_slices(model.layers)
    spec = SgdSpec(batch_size=net.batch, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    optimizer = Momentum(spec, model.trainable_weights)
    objective = CrossEntropy(model, [data])
    steps = TrainingSteps(objective, optimizer, LossScale(None), Replicas(1), xla=xla)
    return model, data, steps

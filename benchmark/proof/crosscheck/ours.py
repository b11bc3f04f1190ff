"""Our side: the steps of a run.

``python -m benchmark.proof.crosscheck.ours NET ITERATIONS BATCH THREADS TRACE [GIVEN]`` writes the
trace and, to a second file, what the other side starts from.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmark.data import sources
from benchmark.data.images import Images
from benchmark.proof.crosscheck.case import Given, Trace, spec_of
from benchmark.spec import RunSpec
from benchmark.training import process
from benchmark.training.classification import Classification
from benchmark.training.loss_scale import LossScale
from benchmark.training.optimizers import optimizer_of
from benchmark.training.optimizers.rule import Rule
from benchmark.training.replicas import Replicas
from benchmark.training.schedule import learning_rate
from benchmark.training.step import TrainingSteps, kernels
from benchmark.training.weights import weight_arrays


def train(spec: RunSpec) -> tuple[Trace, Given]:
    """Train with the parts that ``training.loop`` uses, stopping after each step. Call it after
    ``process.configure``."""
    images = sources.load(spec.dataset)
    assert isinstance(images, Images)
    task = Classification(spec, images, None, Replicas(1))
    optimizer = optimizer_of(spec.optimizer, task.model.trainable_weights, task.rates)
    steps = TrainingSteps(task.objective, optimizer, LossScale(None), Replicas(1), xla=False)
    first = weight_arrays(task.model)
    weights, done, shown, rates = [_flat(optimizer)], [], [], []
    for iteration in range(spec.schedule.iterations):
        inputs = task.train_inputs(spec.seed, spec.optimizer.batch_size, iteration, 1)
        shown.append(task.data.train_batch(*(each[0] for each in inputs)))
        rate = learning_rate(spec.schedule, iteration, warming_up=False, plateaus=0)
        rates.append(np.float32(rate))
        done.append(steps(tf.constant([rate], tf.float32), *inputs))
        weights.append(_flat(optimizer))
    pixels, labels = zip(*shown, strict=True)
    trace = Trace(
        layers=np.array([kernel.path.removesuffix("/kernel") for kernel in kernels(task.model)]),
        losses=np.concatenate([each.loss for each in done]),
        errors=np.concatenate([each.counted["errors"] for each in done]),
        norms=np.concatenate([each.gradient_norms for each in done])[:, :-1],
        weights=np.stack(weights),
    )
    return trace, Given(np.stack(pixels), np.stack(labels), np.array(rates), first)


def _flat(optimizer: Rule) -> np.ndarray:
    return np.concatenate([weight.numpy().ravel() for weight in optimizer.weights])


def main(net: str, iterations: str, batch: str, threads: str, *files: str) -> None:
    """Write a ``Trace`` and, to a second file, what was ``Given``."""
    spec = spec_of(net, int(iterations), int(batch), int(threads))
    process.configure(spec.numerics, spec.seed)
    trace, given = train(spec)
    for found, file in zip((trace.write, given.write), files, strict=False):
        found(Path(file))


if __name__ == "__main__":
    main(*sys.argv[1:])

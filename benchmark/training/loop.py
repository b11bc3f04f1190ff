"""The training of one run: a pure function of its spec and its images."""

import itertools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

from benchmark.data.detection.detection_set import DetectionSet
from benchmark.data.images import Images
from benchmark.data.order import epoch_ends
from benchmark.data.photographs.registry import Photographs
from benchmark.diagnostics import GRADIENTS
from benchmark.events import Event, Kind, number_of, with_numbers
from benchmark.models.pretrained import Pretrained
from benchmark.spec import RunSpec
from benchmark.status import Status
from benchmark.training import process
from benchmark.training.classification import Classification
from benchmark.training.detection import Detection
from benchmark.training.loss_scale import LossScale
from benchmark.training.optimizers import optimizer_of
from benchmark.training.replicas import Replicas
from benchmark.training.schedule import Plateaus, Warmup, learning_rate
from benchmark.training.state import State, Variables
from benchmark.training.step import Steps, TrainingSteps, kernels
from benchmark.training.task import Task
from benchmark.training.totals import Measured, Totals
from benchmark.training.weights import weights_sha256

KEEP_EVERY_S = 600.0
"""Interval at which the state is passed to ``keep`` within an epoch, in addition to its end."""


@dataclass(frozen=True)
class Trained:
    """The end of a run: ``finished``, ``diverged`` at a loss that is not finite, or
    ``interrupted`` because it was asked to stop."""

    status: str
    task: Task
    """The task, with the net as it ended and was last scored."""


def train(
    spec: RunSpec,
    images: Images | Photographs | DetectionSet,
    on_event: Callable[[Event], None],
    *,
    pretrained: Pretrained | None = None,
    resume: State | None = None,
    keep: Callable[[State], None] = lambda state: None,
    stop: Callable[[], bool] = lambda: False,
) -> Trained:
    """Train ``spec`` on ``images``, starting from the ``pretrained`` weights that it names. Call
    ``process.configure`` first, once per process.

    ``keep`` receives the state after each epoch, from time to time within one, and when ``stop``
    returns True to end the run early. A run that continues from a state with ``resume`` gives the
    bits of one that was never stopped. Raises ValueError if ``pretrained`` or ``resume`` do not fit
    the net.
    """
    return _Run(spec, images, on_event, pretrained, keep, stop).run(resume)


@dataclass
class _Run:
    spec: RunSpec
    images: Images | Photographs | DetectionSet
    on_event: Callable[[Event], None]
    pretrained: Pretrained | None
    keep: Callable[[State], None]
    stop: Callable[[], bool]
    iteration: int = 0
    epoch: int = 0
    """Epochs completed."""
    rate: float = 0.0
    """Learning rate of the last step."""
    totals: Totals = field(default_factory=Totals)

    def run(self, resume: State | None) -> Trained:
        self._build()
        if resume:
            self._restore(resume)
        spec = self.spec
        ends = epoch_ends(
            spec.schedule.iterations, spec.optimizer.batch_size, self.task.train_count
        )
        for end in ends[self.epoch :]:
            ended = self._train_until(end)
            if ended == Status.INTERRUPTED:
                self._keep()
                return Trained(ended, self.task)
            ended = self._end_epoch(last=end == ends[-1] or ended is not None) or ended
            if ended:
                return self._end(ended)
            if end != ends[-1]:
                self._keep()
        return self._end(Status.FINISHED)

    def _build(self) -> None:
        spec, started = self.spec, time.perf_counter()
        replicas = Replicas(spec.numerics.replicas)
        self.task = _task(spec, self.images, self.pretrained, replicas)
        self.model = self.task.model
        with replicas.scope():
            weights = self.model.trainable_weights
            self.optimizer = optimizer_of(spec.optimizer, weights, self.task.rates)
            self.loss_scale = LossScale(spec.numerics.loss_scale)
        self.steps = TrainingSteps(
            self.task.objective, self.optimizer, self.loss_scale, replicas, xla=spec.numerics.xla
        )
        self.variables = Variables(self.model, self.optimizer, self.loss_scale)
        self.warmup, self.plateaus = Warmup.of(spec.schedule), Plateaus(spec.schedule)
        self._call(self.iteration, self.iteration)  # Zero steps: TensorFlow's set-up, untimed.
        self.on_event(
            {
                "event": Kind.BUILT,
                "parameters": self.task.cost.parameters,
                "multiply_adds": self.task.cost.multiply_adds,
                "initial_weights_sha256": weights_sha256(self.model),
                "device": process.device(),
                "build_time_s": time.perf_counter() - started,
            }
        )
        self.kept = time.monotonic()

    def _keep(self) -> None:
        counters = {
            "iteration": self.iteration,
            "epoch": self.epoch,
            "rate": self.rate,
            "warmup": self.warmup.as_json(),
            "plateaus": self.plateaus.as_json(),
            "totals": self.totals.as_json(),
        }
        self.keep(State(counters, self.variables.arrays()))
        self.kept = time.monotonic()

    def _restore(self, state: State) -> None:
        self.variables.assign(state.arrays)
        self.iteration, self.epoch = state.counters["iteration"], state.counters["epoch"]
        self.rate = state.counters["rate"]
        self.warmup.restore(state.counters["warmup"])
        if self.plateaus.of:
            self.plateaus.restore(state.counters["plateaus"])
        self.totals = Totals.of_json(state.counters["totals"])

    def _train_until(self, end: int) -> str | None:
        """Train up to iteration ``end``. Returns ``diverged`` as soon as the loss is not finite,
        ``interrupted`` if the run must stop, else None."""
        while self.iteration < end:
            if self.stop():
                return Status.INTERRUPTED
            if time.monotonic() - self.kept > KEEP_EVERY_S:
                self._keep()
            if self.iteration in self.spec.measured_at:
                self._diagnose()
            else:
                self._advance(min(self.iteration + self._steps_a_call(), end))
            if not math.isfinite(self.totals.loss):
                return Status.DIVERGED
        return None

    def _steps_a_call(self) -> int:
        """Return the steps of the next call: at most up to the next check of the warm-up or the
        next diagnosis."""
        most = self.task.steps_a_call
        judged = self.warmup.steps_until_judged(self.iteration) or most
        ahead = (i - self.iteration for i in self.spec.measured_at if i > self.iteration)
        return min(most, judged, next(ahead, most))

    def _diagnose(self) -> None:
        """Measure the layers, and train the next step, if there is one."""
        at = self.iteration
        found: Measured = self.task.diagnosed()
        if at < self.spec.schedule.iterations:
            norms = self._advance(at + 1).gradient_norms
            found[GRADIENTS.key] = self._by_kernel(np.sum(norms, axis=0)[:-1])
        self.totals.layers[str(at)] = found

    def _by_kernel(self, norms: np.ndarray) -> dict[str, float]:
        names = [kernel.path.removesuffix("/kernel") for kernel in kernels(self.model)]
        return dict(zip(names, map(float, norms), strict=True))

    def _advance(self, stop: int) -> Steps:
        """Train up to iteration ``stop`` in one TensorFlow call."""
        spec, started = self.spec, time.perf_counter()
        steps = self._call(self.iteration, stop)
        count = len(steps.loss)
        self.totals.add(steps, time.perf_counter() - started)
        self.iteration += count
        self.rate = self._rate(self.iteration - 1)
        if self.warmup.active:
            errors = int(np.sum(steps.counted["errors"]))
            self.warmup.observe(errors, count * spec.optimizer.batch_size, self.iteration)
        self.on_event(
            with_numbers(
                {
                    "event": Kind.PROGRESS,
                    "iteration": self.iteration,
                    "iterations": spec.schedule.iterations,
                    "train_loss": self.totals.loss / self.totals.steps,
                    "images_per_s": self._images() / self.totals.seconds,
                },
                self.task.trained(self.totals.counted, self._images()),
            )
        )
        return steps

    def _call(self, first: int, stop: int) -> Steps:
        """Return the steps in NumPy, so that the clock is read after the last step is done."""
        spec = self.spec
        rates = np.array([self._rate(iteration) for iteration in range(first, stop)], np.float32)
        inputs = self.task.train_inputs(spec.seed, spec.optimizer.batch_size, first, stop - first)
        return tf.nest.map_structure(np.asarray, self.steps(tf.constant(rates), *inputs))

    def _rate(self, iteration: int) -> float:
        return learning_rate(
            self.spec.schedule,
            iteration,
            warming_up=self.warmup.active,
            plateaus=self.plateaus.reached,
        )

    def _end_epoch(self, *, last: bool) -> str | None:
        """Report the epoch. Returns ``diverged`` if all of its steps overflowed in float16, or if
        the run's last scored loss is not finite: earlier ones do not end the run, since the weights
        must not depend on how often the run is scored."""
        self.epoch += 1
        totals = self.totals
        if self.iteration == self.spec.schedule.iterations:
            if self.iteration:
                self.task.finish(self._batches_from(self.iteration))
            if self.spec.measured_at:
                self._diagnose()
        row: Event = {
            "event": Kind.EPOCH,
            "epoch": self.epoch,
            "iteration": self.iteration,
            "weights_sha256": weights_sha256(self.model),
        }
        if totals.steps:  # A run without iterations is only scored.
            row |= self._trained()
        if totals.layers:
            row["layers"] = totals.layers
        if self.loss_scale.active:
            row["loss_scale"] = float(self.loss_scale.scale.numpy())
            row["skipped_steps"] = totals.skipped
        due = last or self.epoch % self.spec.evaluation.every_epochs == 0
        scored = [split for split in self.spec.splits if due or split == self.plateaus.of]
        started = time.perf_counter()
        for split in scored:
            scores = self.task.score(split).items()
            row = with_numbers(row, {f"{split}_{name}": score for name, score in scores})
        if scored:
            row["evaluation_time_s"] = time.perf_counter() - started
        watched = self.plateaus.of
        if watched and (error := number_of(row, f"{watched}_error_percent")) is not None:
            self.plateaus.observe(error)
        self.on_event(row)
        self.totals = Totals()
        losses = [number_of(row, f"{split}_loss") or 0.0 for split in scored]
        finite = not last or all(map(math.isfinite, losses))
        overflowed = totals.steps > 0 and totals.skipped == totals.steps
        return Status.DIVERGED if not finite or overflowed else None

    def _batches_from(self, iteration: int) -> Iterator[tuple[tf.Tensor, ...]]:
        """Yield the train inputs of each iteration, starting at ``iteration``."""
        spec = self.spec
        for at in itertools.count(iteration):
            inputs = self.task.train_inputs(spec.seed, spec.optimizer.batch_size, at, 1)
            yield tuple(each[0] for each in inputs)

    def _trained(self) -> Event:
        """Return the results of the epoch's training steps."""
        totals = self.totals
        norms = np.asarray(totals.norms) / max(1, totals.steps - totals.skipped)
        losses: Event = {"learning_rate": self.rate, "train_loss": totals.loss / totals.steps}
        return with_numbers(losses, self.task.trained(totals.counted, self._images())) | {
            "gradient_norm": float(norms[-1]),
            "gradient_norms": self._by_kernel(norms[:-1]),
            "train_time_s": totals.seconds,
            "images_per_s": self._images() / totals.seconds,
        }

    def _end(self, status: str) -> Trained:
        self.on_event(
            {
                "event": Kind.END,
                "status": status,
                "iteration": self.iteration,
                "final_weights_sha256": weights_sha256(self.model),
            }
        )
        return Trained(status, self.task)

    def _images(self) -> int:
        return self.totals.steps * self.spec.optimizer.batch_size


def _task(
    spec: RunSpec,
    images: Images | Photographs | DetectionSet,
    pretrained: Pretrained | None,
    replicas: Replicas,
) -> Task:
    if isinstance(images, DetectionSet):
        return Detection(spec, images, pretrained, replicas)
    return Classification(spec, images, pretrained, replicas)

"""Classification: softmax, cross-entropy, and the error on a single view of each image."""

import itertools
from collections.abc import Iterable, Mapping, Sequence

import keras
import tensorflow as tf

from benchmark.data.feed import Feed, Tensors
from benchmark.data.images import Images
from benchmark.data.photographs.registry import Photographs
from benchmark.data.sources import feed
from benchmark.evaluation.views.single import scorer_of
from benchmark.models.count import counted_cost
from benchmark.models.pretrained import Pretrained, rates, start_from
from benchmark.spec import LabelledSpec, RunSpec
from benchmark.training.batch_statistics import recompute
from benchmark.training.net import build_net
from benchmark.training.probes import PROBES
from benchmark.training.replicas import Replicas
from benchmark.training.task import Counted


class CrossEntropy:
    """The mean cross-entropy of a batch, and its ``errors``: images classified wrongly."""

    counted: Mapping[str, tf.DType] = {"errors": tf.int64}

    def __init__(self, model: keras.Model, data: Sequence[Feed]):
        """``data``: the images, on each replica's device."""
        self.model, self.data = model, data

    def __call__(self, replica: int, *inputs: tf.Tensor) -> tuple[tf.Tensor, Counted]:
        """Take the ``train_inputs`` of ``data`` for one iteration. See ``Objective``."""
        images, labels = self.data[replica].train_batch(*inputs)
        labels = tf.cast(labels, tf.int64)  # On a GPU, int32 arithmetic runs on the host.
        logits = self.model(images, training=True)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        wrong = tf.argmax(logits, axis=1, output_type=tf.int64) != labels
        return tf.reduce_mean(losses), {"errors": tf.reduce_sum(tf.cast(wrong, tf.int64))}


class Classification:
    """A classifier and its images: a ``Task``."""

    def __init__(
        self,
        spec: RunSpec,
        images: Images | Photographs,
        pretrained: Pretrained | None,
        replicas: Replicas,
    ):
        """Build the net and its feeds. Raises ValueError if pretrained weights do not fit."""
        assert isinstance(spec.dataset, LabelledSpec)  # RunSpec's rule.
        given = pretrained if spec.dataset.normalization == "pretrained" else None
        data = []
        for device in replicas.devices:
            with tf.device(device):
                own = given.normalization if given else None
                data.append(feed(spec.dataset, images, own))
        with replicas.scope():
            self.model = build_net(spec)
            self.cost = counted_cost(self.model)
            if spec.pretrained and pretrained:
                start_from(self.model, spec.pretrained, pretrained.arrays)
            self.rates = rates(self.model, spec.pretrained)
        self.objective = CrossEntropy(self.model, data)
        self.data = data[0]
        self.normalization = self.data.normalization
        self.train_count = spec.dataset.train_images
        self.steps_a_call = self.data.steps_a_call
        norm = spec.model.norm
        self.statistics_batches = norm.statistics_batches if norm else None
        self._scores = scorer_of(spec, self.model, self.data)
        probes = PROBES if spec.measured_at else {}
        self._measures = {key: of(spec, self.model, self.data) for key, of in probes.items()}

    def train_inputs(self, seed: int, batch_size: int, first: int, steps: int) -> Tensors:
        """See ``Feed``."""
        return self.data.train_inputs(seed, batch_size, first, steps)

    def finish(self, batches: Iterable[Tensors]) -> None:
        """Recompute batch normalisation's statistics over some batches if the spec says so."""
        if self.statistics_batches:
            recompute(self.model, self.data, itertools.islice(batches, self.statistics_batches))

    def trained(self, counted: Mapping[str, float], images: int) -> dict[str, float]:
        """Return the training error over the augmented mini-batches."""
        return {"train_error_percent": 100 * counted["errors"] / images}

    def score(self, split: str) -> dict[str, float | None]:
        """Return loss and errors; the top-5 error if there are enough classes."""
        scores = self._scores(split)
        found: dict[str, float | None] = {
            "loss": scores.loss,
            "error_percent": scores.error_percent,
        }
        if scores.top5_error_percent is not None:
            found["top5_error_percent"] = scores.top5_error_percent
        return found

    def diagnosed(self) -> dict[str, dict[str, float]]:
        """See ``Task``."""
        return {key: measure() for key, measure in self._measures.items()}

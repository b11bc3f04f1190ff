"""Detection: Faster R-CNN, trained jointly, and average precision on the scored images."""

from collections.abc import Iterable, Mapping

import numpy as np
import tensorflow as tf

from benchmark.data.detection.detection_set import DetectionSet
from benchmark.data.detection.feed import DetectionFeed
from benchmark.data.normalization import CAFFE, TORCH, Normalization
from benchmark.detection.cost import detector_cost
from benchmark.detection.faster_rcnn import FasterRCNN
from benchmark.detection.first_weights import rates, start_from
from benchmark.detection.joint_loss import Normalize, images, losses
from benchmark.detection.matching import Truth
from benchmark.detection.scoring import scorer
from benchmark.evaluation.boxes.average_precision import average_precisions
from benchmark.evaluation.boxes.detections import Detections
from benchmark.models.pretrained import Pretrained
from benchmark.spec import BoxesSpec, RunSpec
from benchmark.training.net import build_net
from benchmark.training.replicas import Replicas
from benchmark.training.task import Counted

PARTS = ("objectness", "proposals", "classes", "boxes")
"""Parts of the loss, by their names in ``Losses``."""


class JointLoss:
    """The sum of the losses; and each part, times the number of images it is the mean over."""

    counted: Mapping[str, tf.DType] = dict.fromkeys(PARTS, tf.float64)

    def __init__(self, net: FasterRCNN, normalize: Normalize, seed: int):
        self.model, self.normalize, self.seed = net, normalize, seed

    def __call__(self, replica: int, *inputs: tf.Tensor) -> tuple[tf.Tensor, Counted]:
        """Take ``Detection.train_inputs`` for one iteration. See ``Objective``."""
        places, pixels, sizes, boxes, labels, crowds = inputs
        labels = tf.cast(labels, tf.int64)  # On a GPU, int32 arithmetic runs on the host.
        shown = images(self.normalize, pixels, sizes)
        found = losses(self.model, shown, sizes, Truth(boxes, labels, crowds), self.seed, places[0])
        count = places.shape[0]
        return found.total, {
            part: count * tf.cast(getattr(found, part), tf.float64) for part in PARTS
        }


class Detection:
    """A detector and its images: a ``Task``."""

    steps_a_call = 1
    """One, so that the input is never larger than one batch."""

    def __init__(
        self,
        spec: RunSpec,
        found: DetectionSet,
        pretrained: Pretrained | None,
        replicas: Replicas,
    ):
        """Build the net and its feed. Raises ValueError if pretrained weights do not fit, and
        DataError if the images cannot be trained on."""
        assert isinstance(spec.dataset, BoxesSpec) and spec.detector  # RunSpec's rule.
        self.found = found
        self.detections: list[Detections] = []
        """The detections of the last scoring, image by image."""
        self.normalization = _normalization(spec.dataset, pretrained)
        with replicas.scope():
            self.model = build_net(spec)
            if spec.pretrained and pretrained:
                start_from(self.model, spec.pretrained, pretrained.arrays)
            self.rates = rates(self.model, spec.pretrained)
        data = spec.dataset
        self.cost = detector_cost(spec.model, spec.detector, data.image_shape, data.classes)
        self.objective = JointLoss(self.model, self.normalization, spec.seed)
        trains = spec.schedule.iterations > 0
        self.feed = DetectionFeed(
            data, found, batch_size=spec.optimizer.batch_size if trains else None
        )
        self.train_count = self.feed.train_count
        self._detect = scorer(
            self.model, self.normalization, self.feed, "test", spec.evaluation.batch_size
        )
        self.voc_year = data.voc_year

    def train_inputs(
        self, seed: int, batch_size: int, first: int, steps: int
    ) -> tuple[tf.Tensor, ...]:
        """Return positions (steps, batch) int64 in the sequence of all images shown, and the parts
        of a ``Batch``."""
        places = np.arange(first * batch_size, (first + steps) * batch_size, dtype=np.int64)
        batches = [self.feed.train_batch(seed, batch_size, first + at) for at in range(steps)]
        parts = [
            tf.stack([batch[part] for batch in batches])
            if batches
            else tf.zeros((0, *room.shape), room.dtype)
            for part, room in enumerate(self._room(batch_size))
        ]
        return tf.constant(places.reshape(steps, batch_size)), *parts

    def finish(self, batches: Iterable[tuple[tf.Tensor, ...]]) -> None:
        """Do nothing: ``detector.batch_norm`` determines a detector's statistics."""

    def trained(self, counted: Mapping[str, float], images: int) -> dict[str, float]:
        """Return the loss of each part."""
        return {f"train_{part}_loss": counted[part] / images for part in PARTS}

    def score(self, split: str) -> dict[str, float | None]:
        """Return average precisions on the test images, in percent."""
        self.detections = self._detect()
        truths = self.found.truths["test"]
        return average_precisions(
            truths, self.detections, self.found.category_ids, voc_year=self.voc_year
        )

    def diagnosed(self) -> dict[str, dict[str, float]]:
        """Return nothing: ``RunSpec`` rejects diagnostics of detectors."""
        return {}

    def _room(self, batch_size: int) -> list[tf.TensorSpec]:
        """Return the shapes and types of a batch; of landscape images, if they are grouped by
        orientation."""
        pixels, *rest = self.feed.train_signature(batch_size)
        shape = (batch_size, *self.feed.sides.room(high=False), 3)
        return [tf.TensorSpec(shape, pixels.dtype), *rest]


def _normalization(spec: BoxesSpec, pretrained: Pretrained | None) -> Normalization:
    if spec.normalization == "pretrained":
        assert pretrained  # RunSpec's rule.
        return pretrained.normalization.of_any_size()
    return {"torch": TORCH, "caffe": CAFFE}[spec.normalization]

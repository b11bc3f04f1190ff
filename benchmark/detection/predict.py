"""From images to detections."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from benchmark.data.detection.feed import ScoredBatch
from benchmark.detection import boxes
from benchmark.detection.anchors import anchors
from benchmark.detection.faster_rcnn import FasterRCNN, Pool
from benchmark.detection.joint_loss import Normalize, images
from benchmark.detection.proposals import Proposals, proposals
from benchmark.detection.pyramid import Level, pooled
from benchmark.evaluation.boxes.detections import Detections
from benchmark.spec.detector import InferenceSpec


class Found(NamedTuple):
    """The detections in a batch, best first."""

    boxes: tf.Tensor
    """(batch, most, 4), in pixels of the images at the training scale; zeros for padding."""
    scores: tf.Tensor
    """(batch, most); 0 for padding."""
    labels: tf.Tensor
    """(batch, most) int32."""
    count: tf.Tensor
    """(batch,) int32: how many are not padding."""


class Scored(NamedTuple):
    """Regions, scored and regressed for each class."""

    probabilities: tf.Tensor
    """(batch, n, classes), without the background; 0 where there is no region."""
    boxes: tf.Tensor
    """(batch, n, classes, 4), within the image."""


Predict = Callable[[Mapping[int, ScoredBatch]], list[Detections]]
"""Maps the shorter side that images are scaled to -> a batch of the same images, to detections."""


def predictor(net: FasterRCNN, normalize: Normalize, own: int) -> Predict:
    """Return a function of batches, which must include ``own``, the shorter side that the net is
    trained at, and any ``scales`` that its spec names. It returns one Detections per image.

    The backbone runs at one scale after another: of the other scales only features are kept.
    Traced once for each batch shape.
    """
    scales = net.spec.inference.scales or (own,)

    @tf.function(autograph=False)
    def level(pixels: tf.Tensor, sizes: tf.Tensor) -> Level:
        return Level(net.features(images(normalize, pixels, sizes), training=False), sizes)

    @tf.function(autograph=False)
    def found(at_own: Level, levels: list[Level]) -> Found:
        return detect(net, at_own, levels)

    def predict(batches: Mapping[int, ScoredBatch]) -> list[Detections]:
        levels = {side: level(batch.pixels, batch.sizes) for side, batch in batches.items()}
        parts = found(levels[own], [levels[side] for side in scales])
        _, sizes, originals, ids = batches[own]
        columns = map(np.asarray, (ids, sizes, originals, *parts))
        return [
            Detections(int(image), _in_original(where[:n], size, original), scores[:n], labels[:n])
            for image, size, original, where, scores, labels, n in zip(*columns, strict=True)
        ]

    return predict


def detect(net: FasterRCNN, own: Level, levels: Sequence[Level]) -> Found:
    """In the graph: find proposals from ``own``, and detect objects in them from all ``levels``."""
    spec, (features, sizes) = net.spec, own

    def pool(regions: tf.Tensor) -> tf.Tensor:
        return pooled(spec.regions, levels, regions, sizes, net.stride)

    _, height, width, _ = features.shape
    all_anchors = tf.constant(anchors(spec.anchors, net.stride, height, width))
    objectness, deltas = net.propose(features)
    found = proposals(spec.proposals, objectness, deltas, all_anchors, sizes, training=False)
    scored = _scored(net, pool, found, sizes)
    if spec.inference.box_refinement:
        again = Proposals(_best_boxes(scored), found.valid)
        second = _scored(net, pool, again, sizes)
        scored = Scored(*(tf.concat(pair, 1) for pair in zip(scored, second, strict=True)))
    kept = _suppressed(spec.inference, scored)
    return _voted(spec.inference, scored, kept) if spec.inference.box_refinement else kept


def _scored(net: FasterRCNN, pool: Pool, regions: Proposals, sizes: tf.Tensor) -> Scored:
    logits, deltas = net.classify_pooled(pool, regions.boxes, sizes, training=False)
    probabilities = tf.nn.softmax(logits)[..., 1:]
    regressed = boxes.decode(deltas, regions.boxes[:, :, None], net.spec.regions.box_stddevs)
    return Scored(
        tf.where(regions.valid[..., None], probabilities, 0.0), boxes.clip(regressed, sizes)
    )


def _best_boxes(scored: Scored) -> tf.Tensor:
    """Return (batch, n, 4): each region's box for its most probable class."""
    best = tf.argmax(scored.probabilities, 2, tf.int32)
    return tf.gather(scored.boxes, best, batch_dims=2)


def _suppressed(spec: InferenceSpec, scored: Scored) -> Found:
    """Apply non-maximum suppression to each class separately."""
    found = tf.image.combined_non_max_suppression(
        scored.boxes,
        scored.probabilities,
        max_output_size_per_class=spec.max_detections,
        max_total_size=spec.max_detections,
        iou_threshold=spec.nms_iou,
        score_threshold=spec.score_threshold,
        clip_boxes=False,
    )
    return Found(found[0], found[1], tf.cast(found[2], tf.int32), found[3])


def _voted(spec: InferenceSpec, scored: Scored, kept: Found) -> Found:
    """Replace each box by the mean, weighted by score, of the boxes of its class that overlap it
    enough (Gidaris and Komodakis, 2015; appendix B)."""
    own = tf.gather(tf.transpose(scored.boxes, (0, 2, 1, 3)), kept.labels, batch_dims=1)
    scores = tf.gather(tf.transpose(scored.probabilities, (0, 2, 1)), kept.labels, batch_dims=1)
    batch, most, n, _ = own.shape
    overlaps = boxes.iou(
        tf.reshape(kept.boxes, (-1, 1, 4)), tf.reshape(own, (-1, n, 4))
    )  # (batch * most, 1, n)
    overlaps = tf.reshape(overlaps, (batch, most, n))
    weights = tf.where(overlaps >= spec.voting_iou, scores, 0.0)[..., None]
    voted = tf.math.divide_no_nan(tf.reduce_sum(own * weights, 2), tf.reduce_sum(weights, 2))
    return kept._replace(boxes=voted)


def _in_original(found: np.ndarray, size: np.ndarray, original: np.ndarray) -> np.ndarray:
    """Return boxes (n, 4) of an image of ``size`` (height, width) in pixels of the ``original``."""
    width_height = original[::-1] / size[::-1]
    limits = np.tile(original[::-1], 2)
    return np.clip(found * np.tile(width_height, 2), 0, limits).astype(np.float32)

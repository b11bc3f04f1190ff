"""From the RPN's outputs to the regions to be classified ([Faster], section 3.3)."""

from typing import NamedTuple

import tensorflow as tf

from benchmark.detection import boxes
from benchmark.spec.detector import ProposalSpec

RPN_STDDEVS = (1.0, 1.0, 1.0, 1.0)
"""The RPN's regression targets are not scaled."""


class Proposals(NamedTuple):
    """Proposals, best first; no gradient flows through them."""

    boxes: tf.Tensor
    """(batch, count, 4), within the image; zeros where not ``valid``."""
    valid: tf.Tensor
    """(batch, count) bool: false at the end if there are too few."""


def proposals(
    spec: ProposalSpec,
    objectness: tf.Tensor,
    deltas: tf.Tensor,
    anchors: tf.Tensor,
    sizes: tf.Tensor,
    *,
    training: bool,
) -> Proposals:
    """Make them from logits (batch, n), deltas (batch, n, 4), anchors (n, 4), sizes (batch, 2)."""
    before = spec.train_before_nms if training else spec.test_before_nms
    count = spec.train_count if training else spec.test_count
    objectness, deltas = tf.stop_gradient(objectness), tf.stop_gradient(deltas)
    scores, best = tf.math.top_k(objectness, min(before, objectness.shape[1]))
    found = boxes.decode(
        tf.gather(deltas, best, batch_dims=1), tf.gather(anchors, best), RPN_STDDEVS
    )
    found = boxes.clip(found, sizes)
    smallest = tf.reduce_min(boxes.sides(found), -1)
    kept = (smallest >= spec.min_side) & (smallest > 0)
    return _suppressed(found, tf.where(kept, scores, -float("inf")), count, spec.nms_iou)


def _suppressed(found: tf.Tensor, scores: tf.Tensor, count: int, max_iou: float) -> Proposals:
    """Apply greedy non-maximum suppression to each image's boxes; scores of -inf mark padding."""
    results = []
    for image in range(found.shape[0]):
        index, valid = tf.raw_ops.NonMaxSuppressionV4(
            boxes=found[image],
            scores=scores[image],
            max_output_size=count,
            iou_threshold=max_iou,
            score_threshold=tf.float32.min,
            pad_to_max_output_size=True,
        )
        # In int64: on a GPU, int32 arithmetic runs on the host.
        there = tf.range(count, dtype=tf.int64) < tf.cast(valid, tf.int64)
        kept = tf.gather(found[image], tf.ensure_shape(tf.cast(index, tf.int64), (count,)))
        results.append((tf.where(there[:, None], kept, 0.0), there))
    return Proposals(*map(tf.stack, zip(*results, strict=True)))

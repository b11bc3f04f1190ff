"""The losses of both parts. An image's loss is the mean over its sample, a batch's the mean over
its images."""

import tensorflow as tf

from benchmark.detection.targets import AnchorTargets, RegionTargets


def smooth_l1(x: tf.Tensor) -> tf.Tensor:
    """Return, elementwise, x**2 / 2 for x from -1 to 1, and abs(x) - 1/2 beyond ([Fast],
    equation 3)."""
    absolute = tf.abs(x)
    return tf.where(absolute < 1, x**2 / 2, absolute - 0.5)


def logistic(logits: tf.Tensor, positive: tf.Tensor) -> tf.Tensor:
    """Return the cross-entropy of each logit, whose target is ``positive``. TensorFlow's own uses
    the logits so often that the order in which its gradients are added is not fixed."""
    return tf.math.softplus(tf.where(positive, -logits, logits))


def rpn_losses(
    objectness: tf.Tensor, deltas: tf.Tensor, targets: AnchorTargets, places: int, weight: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return scalars, from logits (batch, n) and deltas (batch, n, 4) of all anchors: the loss of
    objectness, and that of the positive anchors' boxes, summed and divided by the ``places`` of the
    features ([Faster], equation 1, whose two-class softmax is a logistic loss of one logit)."""
    logits = tf.gather(objectness, targets.index, batch_dims=1)
    losses = logistic(logits, targets.positive)
    distances = tf.gather(deltas, targets.index, batch_dims=1) - targets.deltas
    sums = _summed(smooth_l1(distances), targets.positive)
    return _mean(losses, targets.chosen), weight * tf.reduce_mean(sums) / places


def region_losses(
    logits: tf.Tensor, deltas: tf.Tensor, targets: RegionTargets
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return scalars, from logits (batch, n, classes + 1) and deltas (batch, n, classes, 4): the
    loss of the class, and that of the box by the true class's deltas ([Fast], equation 1)."""
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets.labels, logits)
    own = tf.gather(deltas, tf.maximum(targets.labels - 1, 0), batch_dims=2)
    sums = _summed(smooth_l1(own - targets.deltas), targets.labels > 0)
    return _mean(losses, targets.chosen), tf.reduce_mean(sums / _count(targets.chosen))


def _summed(losses: tf.Tensor, counted: tf.Tensor) -> tf.Tensor:
    """Sum (batch, n, 4) to (batch,), over the boxes that are ``counted``."""
    return tf.reduce_sum(tf.where(counted[..., None], losses, 0.0), (1, 2))


def _mean(losses: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.reduce_sum(tf.where(chosen, losses, 0.0), 1) / _count(chosen))


def _count(chosen: tf.Tensor) -> tf.Tensor:
    """Return (batch,): how many were chosen, at least 1."""
    return tf.maximum(tf.reduce_sum(tf.cast(chosen, tf.float32), 1), 1.0)

"""The Faster R-CNN net: a backbone, the region proposal network, and two sibling layers."""

from collections.abc import Callable
from functools import partial

import keras
import tensorflow as tf
from keras import layers

from benchmark.detection import boxes
from benchmark.detection.backbone import fix_batch_norm, freeze
from benchmark.detection.roi_features import roi_features
from benchmark.models.backbone import Backbone
from benchmark.models.initializers import OnCpu
from benchmark.spec.detector import DetectorSpec

RPN_STDDEV = CLASS_STDDEV = 0.01
BOX_STDDEV = 0.001
"""Standard deviations of the new layers' initial weights ([Faster], section 3.1.3; [Fast], 2.3)."""

Pool = Callable[[tf.Tensor], tf.Tensor]
"""Maps regions (batch, n, 4), in the image's pixels, to (batch, n, size, size, channels)."""


class FasterRCNN(keras.Model):
    """All weights of a detector, and the computation of its parts.

    New layers are named ``rpn_conv``, ``rpn_objectness``, ``rpn_deltas``, ``class_logits`` and
    ``box_deltas``, and all but the first are computed in float32; weights are drawn from Keras's
    global seed. There is no ``call``: what connects the parts depends on whether one trains.
    """

    def __init__(self, spec: DetectorSpec, backbone: Backbone, num_classes: int):
        """``num_classes``: without the background. Takes ownership of ``backbone``: parts that
        ``spec`` does not train are frozen in it. Raises ValueError if it has fewer stages than are
        to be frozen, or does not take regions of the spec's size."""
        backbone.check_size(spec.regions.size)
        super().__init__(name="faster_rcnn")
        self.spec, self.stride, self.num_classes = spec, backbone.stride, num_classes
        freeze(backbone, spec.frozen_stages)
        if spec.batch_norm == "fixed":
            fix_batch_norm(backbone)
        self.shared, self.regions = backbone.features, backbone.regions
        anchors = len(spec.anchors.scales) * len(spec.anchors.ratios)
        self.rpn = _rpn(self.shared.output_shape[-1], spec.rpn.channels, anchors)
        outputs = self.regions.output_shape[-1] * (2 if spec.regions.global_context else 1)
        self.siblings = _siblings(outputs, num_classes)
        self.built = True

    def features(self, images: tf.Tensor, *, training: bool) -> tf.Tensor:
        """Map images (batch, height, width, 3), normalized, to the features all regions share."""
        return self.shared(images, training=training)

    def propose(self, features: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return logits (batch, n) that each of ``n`` anchors contains an object, and deltas
        (batch, n, 4), in the order of ``anchors``."""
        objectness, deltas = self.rpn(features)
        batch = features.shape[0]
        return tf.reshape(objectness, (batch, -1)), tf.reshape(deltas, (batch, -1, 4))

    def classify(
        self, features: tf.Tensor, regions: tf.Tensor, sizes: tf.Tensor, *, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Classify regions (batch, n, 4) in images of ``sizes`` (batch, 2): return logits (batch,
        n, ``num_classes`` + 1), with the background first, and deltas (batch, n, ``num_classes``,
        4)."""
        pool = partial(roi_features, self.spec.regions, features, stride=self.stride)
        return self.classify_pooled(pool, regions, sizes, training=training)

    def classify_pooled(
        self, pool: Pool, regions: tf.Tensor, sizes: tf.Tensor, *, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Do the same as ``classify``, with the features of regions from ``pool``."""
        batch, context = regions.shape[0], self.spec.regions.global_context
        if context:
            regions = tf.concat([boxes.whole(sizes)[:, None], regions], 1)
        pooled = pool(regions)
        pooled = tf.reshape(pooled, (-1, *pooled.shape[2:]))
        outputs = self.regions(pooled, training=training)
        outputs = tf.reshape(outputs, (batch, -1, outputs.shape[-1]))
        if context:
            image, outputs = outputs[:, :1], outputs[:, 1:]
            outputs = tf.concat([outputs, tf.broadcast_to(image, tf.shape(outputs))], 2)
        logits, deltas = self.siblings(outputs)
        return logits, tf.reshape(deltas, (batch, -1, self.num_classes, 4))


def _normal(stddev: float) -> keras.Initializer:
    return OnCpu(keras.initializers.RandomNormal(stddev=stddev))


def _rpn(channels: int, hidden: int, anchors: int) -> keras.Model:
    features = layers.Input((None, None, channels), name="shared_features")
    x = layers.Conv2D(
        hidden,
        3,
        padding="same",
        activation="relu",
        kernel_initializer=_normal(RPN_STDDEV),
        name="rpn_conv",
    )(features)
    outputs = [
        layers.Conv2D(
            size * anchors,
            1,
            kernel_initializer=_normal(RPN_STDDEV),
            dtype="float32",
            name=name,
        )(x)
        for name, size in (("rpn_objectness", 1), ("rpn_deltas", 4))
    ]
    return keras.Model(features, outputs, name="rpn")


def _siblings(inputs: int, num_classes: int) -> keras.Model:
    x = layers.Input((None, inputs), name="region_outputs")
    outputs = [
        layers.Dense(
            units,
            kernel_initializer=_normal(stddev),
            dtype="float32",
            name=name,
        )(x)
        for name, units, stddev in (
            ("class_logits", num_classes + 1, CLASS_STDDEV),
            ("box_deltas", num_classes * 4, BOX_STDDEV),
        )
    ]
    return keras.Model(x, outputs, name="siblings")

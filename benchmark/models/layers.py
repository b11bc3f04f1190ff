"""The layers of the nets, with every choice taken from the spec."""

from collections.abc import Iterable
from typing import Any

import keras
from keras import KerasTensor, layers, ops

from benchmark.models.batch_norm import BatchNormalization
from benchmark.models.initializers import OnCpu
from benchmark.models.layout import Convolution
from benchmark.spec import ResidualSpec

InputShape = tuple[int | None, int | None, int]
"""Height, width and channels; None for images of any size."""


def convolve(spec: ResidualSpec, x: KerasTensor, plan: Convolution, name: str) -> KerasTensor:
    """Apply a convolution, padded equally on all sides.

    ``x``: (batch, height, width, channels).
    """
    same = plan.stride == 1
    if not same and plan.kernel > 1:
        x = layers.ZeroPadding2D(plan.kernel // 2, name=f"{name}_pad")(x)
    return layers.Conv2D(
        plan.out_channels,
        plan.kernel,
        strides=plan.stride,
        padding="same" if same else "valid",
        use_bias=spec.conv_bias,
        kernel_initializer=initializer(spec),
        name=name,
    )(x)


def normalize(spec: ResidualSpec, x: KerasTensor, name: str, *, last: bool = False) -> KerasTensor:
    """Apply batch normalisation over all but the channels; ``last``: of its residual branch."""
    if spec.batch_norm is None:
        return x
    return BatchNormalization(
        momentum=spec.batch_norm.momentum,
        epsilon=spec.batch_norm.epsilon,
        gamma_initializer="zeros" if last and spec.batch_norm.zero_gamma else "ones",
        name=name,
    )(x)


def initializer(spec: ResidualSpec) -> keras.Initializer:
    """Return the kernels' initialiser, seeded by ``keras.utils.set_random_seed``."""
    return OnCpu(_initializer(spec))


def _initializer(spec: ResidualSpec) -> keras.Initializer:
    if spec.initializer == "gaussian":
        return keras.initializers.RandomNormal(stddev=spec.initializer_stddev)
    if spec.initializer == "glorot-uniform":
        return keras.initializers.GlorotUniform()
    return keras.initializers.VarianceScaling(
        scale=2.0,
        mode=spec.initializer.removeprefix("he-").replace("-", "_"),
        distribution="untruncated_normal",
    )


def classifier_initializer(spec: ResidualSpec) -> keras.Initializer:
    """Return the initialiser of the classifier's kernel."""
    return OnCpu(_classifier_initializer(spec))


def _classifier_initializer(spec: ResidualSpec) -> keras.Initializer:
    kind = spec.classifier_initializer
    if kind == "gaussian":
        return keras.initializers.RandomNormal(stddev=0.01)
    if kind == "glorot-uniform":
        return keras.initializers.GlorotUniform()
    if kind == "torch-uniform":  # A variance of 1 / (3 fan-in).
        return keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
    return _initializer(spec)


@keras.saving.register_keras_serializable("resnet_bench")
class ZeroPadShortcut(layers.Layer):
    """Option A: every ``stride``-th pixel, or the mean of the square that starts there, and zeros
    for the additional channels.

    (batch, height, width, channels in) -> (batch, height / stride, width / stride, ``channels``).
    ``side`` is ``end`` (zeros after the copied channels) or ``both`` (half of them before);
    ``pool``: side in pixels of the square that is averaged.
    """

    def __init__(self, channels: int, stride: int, side: str, pool: int = 1, **kwargs: Any):
        super().__init__(**kwargs)
        self.channels, self.stride, self.side, self.pool = channels, stride, side, pool

    def call(self, x: KerasTensor) -> KerasTensor:
        """Subsample and pad."""
        gained = self.channels - x.shape[-1]
        before = gained // 2 if self.side == "both" else 0
        # Pooling over single pixels subsamples, and its gradient is several times faster than
        # that of a slice with strides.
        x = ops.average_pool(x, self.pool, self.stride, padding="same")
        return ops.pad(x, ((0, 0), (0, 0), (0, 0), (before, gained - before)))

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Divide height and width by the stride, rounded up; None stays None."""
        batch, *sides, _ = shape
        fewer = (None if side is None else -(-side // self.stride) for side in sides)
        return batch, *fewer, self.channels

    def get_config(self) -> dict[str, Any]:
        """Return the arguments for ``from_config``."""
        own = ("channels", "stride", "side", "pool")
        return super().get_config() | {name: getattr(self, name) for name in own}


@keras.saving.register_keras_serializable("resnet_bench")
class MaxPooling(layers.MaxPooling2D):
    """``keras.layers.MaxPooling2D`` over squares, without padding, which can also be computed as
    the maximum of shifted slices: the same values, and the same gradients up to rounding if no two
    pixels of a window are equal maxima and positive. XLA has no deterministic gradient for max
    pooling itself, but it has one for slices."""

    by_slices = False
    """Whether it is computed from slices; set it before a step is traced."""

    def call(self, x: KerasTensor) -> KerasTensor:
        """Pool (batch, height, width, channels), dividing height and width by the stride."""
        if not self.by_slices:
            return super().call(x)
        (size, _), (stride, _) = self.pool_size, self.strides
        for axis in (1, 2):
            slices = [_every(x, axis, start, size, stride) for start in range(size)]
            x = slices[0]
            for other in slices[1:]:
                x = ops.maximum(x, other)
        return x


def pool_by_slices(net_layers: Iterable[layers.Layer]) -> None:
    """Compute each ``MaxPooling`` layer from slices."""
    for layer in net_layers:
        if isinstance(layer, MaxPooling):
            layer.by_slices = True


def _every(x: KerasTensor, axis: int, start: int, size: int, stride: int) -> KerasTensor:
    """Return the pixel at ``start`` of each window of ``size`` along an axis."""
    stop = start + 1 - size
    along = slice(start, stop or None, stride)
    return x[:, along] if axis == 1 else x[:, :, along]


@keras.saving.register_keras_serializable("resnet_bench")
class SlidingPooling(layers.Layer):
    """The mean over the means of all windows of ``window`` x ``window`` pixels, at a stride of 1.

    (batch, height, width, channels) -> (batch, channels). As a dense layer is linear, one after
    this layer gives the mean of its outputs at each window: the score map of VGG's paper (section
    3.2), spatially averaged. If a side is shorter than a window, windows are as long as the side.
    """

    def __init__(self, window: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.window = window

    def call(self, x: KerasTensor) -> KerasTensor:
        """Weight each pixel by the fraction of the windows that contain it."""
        height, width = (self._shares(length) for length in ops.shape(x)[1:3])
        weights = ops.cast(height[:, None] * width[None], x.dtype)
        return ops.sum(x * weights[None, :, :, None], axis=(1, 2))

    def _shares(self, length: int | KerasTensor) -> KerasTensor:
        window = ops.minimum(self.window, length)
        places = length - window + 1
        before = ops.arange(length)
        nearer = ops.minimum(before + 1, length - before)  # Pixels up to the nearest edge.
        windows = ops.minimum(nearer, ops.minimum(window, places))
        return ops.cast(windows, "float32") / ops.cast(window * places, "float32")

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Drop height and width."""
        return shape[0], shape[3]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments for ``from_config``."""
        return super().get_config() | {"window": self.window}

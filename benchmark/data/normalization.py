"""How pixels become the input of a net."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf

from benchmark.spec import LabelledSpec


@dataclass(frozen=True)
class Normalization:
    """Maps pixels x (0 to 255) to (x - mean) * scale; both broadcast against an image."""

    mean: np.ndarray
    scale: np.ndarray
    blue_first: bool = False
    """The net takes blue, green, red; ``mean`` and ``scale`` are in that order too."""

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Normalization":
        """Restore it from ``arrays()``."""
        return cls(arrays["mean"], arrays["scale"], bool(arrays["blue_first"]))

    def arrays(self) -> dict[str, np.ndarray]:
        """Return its fields as arrays, to be saved to a file."""
        return {"mean": self.mean, "scale": self.scale, "blue_first": np.array(self.blue_first)}

    def of_any_size(self) -> "Normalization":
        """Replace a mean image by its channel means, for images of other sizes."""
        if self.mean.ndim < 3:
            return self
        return replace(self, mean=self.mean.mean((0, 1), dtype=np.float64).astype(np.float32))

    def __call__(self, pixels: tf.Tensor) -> tf.Tensor:
        """In the graph: map (..., 3), red first, to float32."""
        if self.blue_first:
            pixels = pixels[..., ::-1]
        return (tf.cast(pixels, tf.float32) - self.mean) * self.scale


def _imagenet(means: Sequence[float], sds: Sequence[float], **fields: bool) -> Normalization:
    return Normalization(np.array(means, np.float32), 1 / np.array(sds, np.float32), **fields)


CAFFE = _imagenet((103.939, 116.779, 123.68), (1, 1, 1), blue_first=True)
"""ImageNet's channel means subtracted: what the weights of keras.applications' v1 ResNets, and the
paper authors' own, were trained with."""

TORCH = _imagenet((0.485 * 255, 0.456 * 255, 0.406 * 255), (0.229 * 255, 0.224 * 255, 0.225 * 255))
"""The normalization that the weights of torchvision and most state dicts were trained with."""


def normalization(spec: LabelledSpec, train_images: np.ndarray) -> Normalization:
    """Return the spec's, from the training images only: (n, height, width, 3) uint8."""
    unit = 1 / 255 if spec.pixel_range == "0-1" else 1.0
    mean, scale = np.zeros(3), np.full(3, unit)
    if spec.normalization == "per-pixel-mean":
        mean = train_images.mean(0, dtype=np.float64)
    elif spec.normalization != "none":
        mean = train_images.mean((0, 1, 2), dtype=np.float64)
    if spec.normalization == "per-channel-mean-std":
        scale = 1 / train_images.std((0, 1, 2), dtype=np.float64)
    return Normalization(mean.astype(np.float32), scale.astype(np.float32))

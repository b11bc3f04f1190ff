"""What is measured: nets, precisions and threads, and the images that all contenders train on."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmark.spec import NumericsSpec, ResNetSpec

MOMENTUM, WEIGHT_DECAY = 0.9, 1e-4


@dataclass(frozen=True)
class Net:
    """A net, and how it is trained."""

    spec: ResNetSpec
    size: int
    """Height and width of its images."""
    classes: int
    batch: int
    learning_rate: float
    images: int
    """Number of different real images that the contenders train on."""

    @property
    def agreement_size(self) -> int:
        """Height and width of the images on which losses are compared: smaller for ResNet-50, since
        50 steps take long."""
        return min(self.size, 64)


def _spec(stem: str, depth: int, shortcut: str) -> ResNetSpec:
    return ResNetSpec.model_validate({"stem": stem, "depth": depth, "shortcut": shortcut})


PAPERS = {
    "resnet20-A": Net(_spec("cifar", 20, "A"), 32, 10, 128, 0.01, 5000),
    "resnet56-A": Net(_spec("cifar", 56, "A"), 32, 10, 128, 0.01, 5000),
    "resnet50-B": Net(_spec("imagenet", 50, "B"), 224, 1000, 16, 0.001, 128),
}
"""The paper's nets; ResNet-50's images are CIFAR's, enlarged."""

NETS = PAPERS | {
    "resnet110-A": Net(_spec("cifar", 110, "A"), 32, 10, 128, 0.01, 5000),
    "resnet8-A": Net(_spec("cifar", 8, "A"), 32, 10, 50, 0.01, 500),
}
"""What can be measured: also the paper's second deepest net, for GPUs, and a net small enough to
try the benchmark itself."""


@dataclass(frozen=True)
class Case:
    """One net at one precision and thread count, on a CPU or a GPU."""

    net: str
    precision: str
    threads: int
    """On a GPU, threads of the host, available to each contender."""
    device: Literal["cpu", "gpu"] = "cpu"

    @property
    def numerics(self) -> NumericsSpec:
        """The numerics of our own runs."""
        return NumericsSpec.model_validate({"precision": self.precision, "threads": self.threads})

    @property
    def name(self) -> str:
        """``resnet20-A mixed_bfloat16 2``, followed by ``gpu`` on a GPU."""
        name = f"{self.net} {self.precision} {self.threads}"
        return name if self.device == "cpu" else f"{name} {self.device}"


def images(net: Net, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return real CIFAR-10 images (net.images, size, size, 3) uint8 in mixed order, and labels."""
    from PIL import Image

    from benchmark.data import cifar10

    embedded = cifar10.load("cifar10-subset")
    pixels, labels = embedded.train_images[: net.images], embedded.train_labels[: net.images]
    if size != pixels.shape[1]:
        pixels = np.stack(
            [
                np.asarray(Image.fromarray(p).resize((size, size), Image.Resampling.BILINEAR))
                for p in pixels
            ]
        )
    return pixels, labels.astype(np.int32)


def normalized(pixels: np.ndarray) -> np.ndarray:
    """Apply the paper's normalization: float32, mean image subtracted, in the range 0 to 1."""
    mean = pixels.mean(0, dtype=np.float64).astype(np.float32)
    return (pixels - mean) * np.float32(1 / 255)

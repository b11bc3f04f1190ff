"""What both frameworks train, and what each of them leaves behind. Loads no framework."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmark.spec import RunSpec

NETS = {
    "resnet20-A": {"depth": 20, "shortcut": "A"},
    "resnet20-B": {"depth": 20, "shortcut": "B"},
    "plain20": {"depth": 20, "shortcut": "none"},
    "resnet56-A": {"depth": 56, "shortcut": "A"},
    "resnet8-A": {"depth": 8, "shortcut": "A"},
}
"""The nets that can be checked: from the paper's section 4.2, and a small one to test the check."""


def spec_of(net: str, iterations: int, batch_size: int, threads: int = 1) -> RunSpec:
    """Return the paper's training on CIFAR-10 before the learning rate drops, on the embedded
    images, in float32."""
    return RunSpec.model_validate(
        {
            "dataset": {"name": "cifar10-subset"},
            "model": {"stem": "cifar", **NETS[net]},
            "optimizer": {"batch_size": batch_size},
            "schedule": {"iterations": iterations, "drops": ()},
            "numerics": {"threads": threads},
            "seed": 0,
        }
    )


@dataclass(frozen=True)
class Given:
    """What our side hands to the other."""

    images: np.ndarray
    """(iterations, batch, height, width, 3) float32: normalized, cropped and flipped."""
    labels: np.ndarray
    """(iterations, batch) int32."""
    rates: np.ndarray
    """(iterations,) float32: the learning rates."""
    weights: dict[str, np.ndarray]
    """The initial weights and moving statistics, by path."""

    def write(self, file: Path) -> None:
        """Write it as one file of arrays."""
        own = {"images": self.images, "labels": self.labels, "rates": self.rates}
        np.savez(file, **own, **self.weights)  # type: ignore[arg-type]  # They are arrays all.

    @classmethod
    def read(cls, file: Path) -> "Given":
        """Read what ``write`` wrote."""
        with np.load(file) as stored:
            arrays = dict(stored)
        own = {name: arrays.pop(name) for name in ("images", "labels", "rates")}
        return cls(**own, weights=arrays)


@dataclass(frozen=True)
class Trace:
    """The course of one side's training, iteration by iteration."""

    layers: np.ndarray
    """(layers,) text: the layers with a kernel, from the stem to the classifier."""
    losses: np.ndarray
    """(iterations,) float64: mean loss of a batch, without the weight penalty."""
    errors: np.ndarray
    """(iterations,) int64: number of misclassified images in a batch."""
    norms: np.ndarray
    """(iterations, layers) float64: the L2 norm of each kernel's gradient."""
    weights: np.ndarray
    """(iterations + 1, trained weights) float32: before the first step, and after each."""

    def write(self, file: Path) -> None:
        """Write it as one file of arrays."""
        np.savez(file, **asdict(self))

    @classmethod
    def read(cls, file: Path) -> "Trace":
        """Read what ``write`` wrote."""
        with np.load(file) as arrays:
            return cls(**arrays)

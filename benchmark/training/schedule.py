"""The learning rate at each iteration."""

import math
from dataclasses import dataclass

from benchmark.spec import ScheduleSpec


def learning_rate(spec: ScheduleSpec, iteration: int, *, warming_up: bool = False) -> float:
    """The rate of ``iteration``, counted from 0; a drop at 32000 is the rate of the iteration
    32000 and those after it."""
    if warming_up and spec.warmup:
        return spec.warmup.learning_rate
    if spec.kind == "cosine":
        return spec.learning_rate * (1 + math.cos(math.pi * iteration / spec.iterations)) / 2
    assert spec.drops is not None and spec.factor is not None
    rate = spec.learning_rate * spec.factor ** sum(iteration >= drop for drop in spec.drops)
    return float(f"{rate:.12g}")


@dataclass
class Warmup:
    """The conditional warm-up of ResNet-110: over once the training error has fallen enough."""

    spec: ScheduleSpec
    active: bool
    errors: int = 0
    images: int = 0

    @classmethod
    def of(cls, spec: ScheduleSpec) -> "Warmup":
        """Active where the spec has one."""
        return cls(spec, active=spec.warmup is not None)

    def as_json(self) -> dict:
        """Where it stands."""
        return {"active": self.active, "errors": self.errors, "images": self.images}

    def restore(self, data: dict) -> None:
        """Stand where ``as_json`` says."""
        self.active, self.errors, self.images = data["active"], data["errors"], data["images"]

    def steps_until_judged(self, iteration: int) -> int | None:
        """Iterations until the window that holds ``iteration`` is full; None when it is over."""
        if not self.active or self.spec.warmup is None:
            return None
        window = self.spec.warmup.window_iterations
        return window - iteration % window

    def observe(self, errors: int, images: int, iteration: int) -> None:
        """Take note of training errors up to ``iteration``; judge at the end of a window."""
        if not self.active or self.spec.warmup is None:
            return
        self.errors += errors
        self.images += images
        if iteration % self.spec.warmup.window_iterations == 0:
            bound = self.spec.warmup.until_train_error_percent
            self.active = 100 * self.errors / self.images >= bound
            self.errors = self.images = 0

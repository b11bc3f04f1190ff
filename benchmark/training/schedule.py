"""The learning rate at each iteration."""

import math
from dataclasses import dataclass
from typing import Any

from benchmark.spec import CosineSchedule, PiecewiseSchedule, PlateauSchedule, ScheduleSpec


def learning_rate(
    spec: ScheduleSpec, iteration: int, *, warming_up: bool = False, plateaus: int = 0
) -> float:
    """Return the rate of ``iteration``, counted from 0; a drop at 32000 applies from iteration
    32000 on. ``plateaus``: the number reached so far."""
    if warming_up and spec.warmup:
        return spec.warmup.learning_rate
    if isinstance(spec, CosineSchedule):
        return spec.learning_rate * (1 + math.cos(math.pi * iteration / spec.iterations)) / 2
    drops = plateaus
    if isinstance(spec, PiecewiseSchedule):
        drops = sum(iteration >= drop for drop in spec.drops)
    rate = spec.learning_rate * spec.factor**drops
    return float(f"{rate:.12g}")


@dataclass
class Warmup:
    """The conditional warm-up of ResNet-110, which ends once the training error is low enough."""

    spec: ScheduleSpec
    active: bool
    errors: int = 0
    images: int = 0

    @classmethod
    def of(cls, spec: ScheduleSpec) -> "Warmup":
        """Return the warm-up of a spec, active if the spec has one."""
        return cls(spec, active=spec.warmup is not None)

    def as_json(self) -> dict[str, Any]:
        """Return the state as plain JSON."""
        return {"active": self.active, "errors": self.errors, "images": self.images}

    def restore(self, data: dict[str, Any]) -> None:
        """Restore the state of ``as_json``."""
        self.active, self.errors, self.images = data["active"], data["errors"], data["images"]

    def steps_until_judged(self, iteration: int) -> int | None:
        """Return the iterations until the window with ``iteration`` is full; None if it is over."""
        if not self.active or self.spec.warmup is None:
            return None
        window = self.spec.warmup.window_iterations
        return window - iteration % window

    def observe(self, errors: int, images: int, iteration: int) -> None:
        """Record training errors up to ``iteration``; judge at the end of a window."""
        if not self.active or self.spec.warmup is None:
            return
        self.errors += errors
        self.images += images
        if iteration % self.spec.warmup.window_iterations == 0:
            bound = self.spec.warmup.until_train_error_percent
            self.active = 100 * self.errors / self.images >= bound
            self.errors = self.images = 0


@dataclass
class Plateaus:
    """The number of times that the error monitored by a schedule has stopped improving."""

    spec: ScheduleSpec
    reached: int = 0
    best_percent: float = math.inf
    without: int = 0
    """Epochs since the best."""

    def as_json(self) -> dict[str, Any]:
        """Return the state as plain JSON."""
        best = None if math.isinf(self.best_percent) else self.best_percent
        return {"reached": self.reached, "best_percent": best, "without": self.without}

    def restore(self, data: dict[str, Any]) -> None:
        """Restore the state of ``as_json``."""
        self.reached, self.without = data["reached"], data["without"]
        self.best_percent = math.inf if data["best_percent"] is None else data["best_percent"]

    @property
    def of(self) -> str | None:
        """The split whose error it monitors, if any."""
        return self.spec.of if isinstance(self.spec, PlateauSchedule) else None

    def observe(self, error_percent: float) -> None:
        """Record the error after an epoch."""
        rule = self.spec
        if not isinstance(rule, PlateauSchedule):
            return
        if error_percent < self.best_percent - rule.threshold_percent:
            self.best_percent, self.without = error_percent, 0
            return
        self.without += 1
        if self.without >= rule.patience and self.reached < rule.max_drops:
            self.reached, self.without = self.reached + 1, 0

"""Measurements since the end of the last epoch."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from benchmark.training.step import Steps

Measured = dict[str, dict[str, float]]
"""The diagnostics at an iteration: name of a measurement -> layer -> value."""


@dataclass
class Totals:
    """Sums over the steps of an epoch so far."""

    steps: int = 0
    skipped: int = 0
    loss: float = 0.0
    counted: dict[str, float] = field(default_factory=dict)
    """Sums of what the objective counts."""
    norms: np.ndarray | float = 0.0
    seconds: float = 0.0
    layers: dict[str, Measured] = field(default_factory=dict)
    """Iteration -> its diagnostics."""

    @classmethod
    def of_json(cls, data: dict[str, Any]) -> "Totals":
        """Return the totals of ``as_json``."""
        return cls(**{**data, "norms": np.array(data["norms"])})

    def as_json(self) -> dict[str, Any]:
        """Return a copy as plain data, which later steps do not change."""
        return {**asdict(self), "norms": np.asarray(self.norms).tolist()}

    def add(self, steps: Steps, seconds: float) -> None:
        """Add a call's measurements and duration. One step at a time, so that the sums do not
        depend on how many steps a call has."""
        self.steps += len(steps.loss)
        self.skipped += int(np.sum(steps.skipped))
        for loss in steps.loss:
            self.loss += float(loss)
        for name, numbers in steps.counted.items():
            for number in numbers:
                self.counted[name] = self.counted.get(name, 0) + number.item()
        for norms in steps.gradient_norms:
            self.norms = self.norms + norms
        self.seconds += seconds

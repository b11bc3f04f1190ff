"""What was measured since the last epoch's end."""

from dataclasses import asdict, dataclass, field

import numpy as np

from benchmark.training.step import StepSums


@dataclass
class Totals:
    """Sums over the steps of an epoch so far."""

    steps: int = 0
    skipped: int = 0
    loss: float = 0.0
    counted: dict[str, float] = field(default_factory=dict)
    """What the objective counts."""
    norms: np.ndarray | float = 0.0
    seconds: float = 0.0
    layers: dict[str, dict] = field(default_factory=dict)
    """Iteration -> what the diagnostics found there."""

    @classmethod
    def of_json(cls, data: dict) -> "Totals":
        """From ``as_json``."""
        return cls(**{**data, "norms": np.array(data["norms"])})

    def as_json(self) -> dict:
        """Plain data of its own, which later steps leave as it is."""
        return {**asdict(self), "norms": np.asarray(self.norms).tolist()}

    def add(self, sums: StepSums, seconds: float) -> None:
        """What a call measured, and how long it took."""
        self.steps += int(sums.steps)
        self.skipped += int(sums.skipped)
        self.loss += float(sums.loss)
        for name, number in sums.counted.items():
            self.counted[name] = self.counted.get(name, 0) + number.numpy().item()
        self.norms = self.norms + np.asarray(sums.gradient_norms)
        self.seconds += seconds

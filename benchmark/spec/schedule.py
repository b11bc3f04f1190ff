"""The learning rate, by iteration."""

from typing import Literal

from pydantic import Field, model_validator

from benchmark.spec.base import Ints, Spec, refuse


class WarmupSpec(Spec):
    """A lower rate until the training error falls below a bound (ResNet-110, section 4.2)."""

    learning_rate: float = Field(default=0.01, gt=0)

    until_train_error_percent: float = Field(default=80.0, gt=0, le=100)
    """The warm-up ends when the training error of the last ``window_iterations`` is below."""

    window_iterations: int = Field(default=100, ge=1, le=10**9)
    """Iterations over which that error is taken. The paper does not say."""


class ScheduleSpec(Spec):
    """How long, and at which learning rate (64k iterations, 0.1, 32k, 48k: section 4.2)."""

    iterations: int = Field(default=64_000, ge=1, le=10**9)

    learning_rate: float = Field(default=0.1, gt=0)

    kind: Literal["piecewise", "cosine"] = "piecewise"
    """``piecewise``: multiplied by ``factor`` at each of ``drops``; ``cosine``: half a cosine
    from the rate to 0 over the run (not in the paper)."""

    drops: Ints | None = None
    """Iterations from which on the rate is lower; by default 32,000 and 48,000 of 64,000, in
    proportion to ``iterations``. Piecewise alone."""

    factor: float | None = Field(default=None, gt=0, lt=1)
    """What a drop multiplies the rate by; 0.1 by default. Piecewise alone."""

    warmup: WarmupSpec | None = None

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: object) -> object:
        if not isinstance(data, dict) or data.get("kind", "piecewise") != "piecewise":
            return data
        data = dict(data)
        iterations = data.get("iterations", 64_000)
        if data.get("drops") is None and isinstance(iterations, int):
            data["drops"] = tuple(sorted({iterations // 2, iterations * 3 // 4} - {0}))
        if data.get("factor") is None:
            data["factor"] = 0.1
        return data

    @model_validator(mode="after")
    def _fields_fit(self) -> "ScheduleSpec":
        if self.kind == "cosine":
            for field in ("drops", "factor"):
                if getattr(self, field) is not None:
                    raise refuse(field, "belongs to piecewise alone", getattr(self, field))
        for earlier, later in zip((0, *(self.drops or ())), self.drops or (), strict=False):
            if not earlier < later < self.iterations:
                rule = f"must rise strictly between 0 and iterations ({self.iterations})"
                raise refuse("drops", rule, self.drops)
        return self

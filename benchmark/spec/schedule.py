"""The learning rate, by iteration."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from benchmark.spec.base import UNSIGNED, Ints, Spec, refuse


class WarmupSpec(Spec):
    """A lower rate until the training error falls below a bound (ResNet-110, section 4.2)."""

    learning_rate: float = Field(default=0.01, gt=0)

    until_train_error_percent: float = Field(default=80.0, gt=0, le=100)
    """The warm-up ends when the training error of the last ``window_iterations`` is below."""

    window_iterations: int = Field(default=100, ge=1, le=10**9)
    """Iterations over which that error is taken. The paper does not say."""


class PlateauSpec(Spec):
    """When a plateau of the error ends a learning rate (ImageNet, section 3.4). The paper says that
    it does, and not by which rule."""

    patience: int = Field(default=5, ge=1, le=10**6)
    """Scorings in a row without a better error, after which the rate drops."""

    threshold_percent: Annotated[float, Field(ge=0, le=100), UNSIGNED] = 0.1
    """By how many points an error must be below the best so far to be better."""

    most_drops: int = Field(default=3, ge=1, le=100)


class ScheduleSpec(Spec):
    """How long, and at which learning rate (64k iterations, 0.1, 32k, 48k: section 4.2)."""

    iterations: int = Field(default=64_000, ge=0, le=10**9)
    """0 with ``pretrained.way`` ``as-published`` alone."""

    learning_rate: float = Field(default=0.1, gt=0)

    kind: Literal["piecewise", "plateau", "cosine"] = "piecewise"
    """``piecewise``: multiplied by ``factor`` at each of ``drops``; ``plateau``: whenever the error
    of the scored split has reached one; ``cosine``: half a cosine from the rate to 0 over the run
    (not in the paper)."""

    drops: Ints | None = None
    """Iterations from which on the rate is lower; by default 32,000 and 48,000 of 64,000, in
    proportion to ``iterations``. Piecewise alone."""

    factor: float | None = Field(default=None, gt=0, lt=1)
    """What a drop multiplies the rate by; 0.1 by default. Not with a cosine."""

    plateau: PlateauSpec | None = None
    """Kind ``plateau`` alone, which has the defaults where it is left out."""

    warmup: WarmupSpec | None = None

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: object) -> object:
        if not isinstance(data, dict) or data.get("kind") == "cosine":
            return data
        data, iterations = dict(data), data.get("iterations", 64_000)
        if data.get("factor") is None:
            data["factor"] = 0.1
        if data.get("kind") == "plateau":
            data["plateau"] = {} if data.get("plateau") is None else data["plateau"]
        elif data.get("drops") is None and isinstance(iterations, int):
            data["drops"] = tuple(sorted({iterations // 2, iterations * 3 // 4} - {0}))
        return data

    @model_validator(mode="after")
    def _fields_fit(self) -> "ScheduleSpec":
        for field, kinds in _BELONGS_TO.items():
            if self.kind not in kinds and getattr(self, field) is not None:
                raise refuse(field, f"belongs to {' and '.join(kinds)} alone", getattr(self, field))
        for earlier, later in zip((0, *(self.drops or ())), self.drops or (), strict=False):
            if not earlier < later < self.iterations:
                rule = f"must rise strictly between 0 and iterations ({self.iterations})"
                raise refuse("drops", rule, self.drops)
        return self


_BELONGS_TO = {
    "drops": ("piecewise",),
    "factor": ("piecewise", "plateau"),
    "plateau": ("plateau",),
}
"""Field -> the kinds that it is for."""

"""The learning rate schedules."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from benchmark.spec.base import TOLD, UNSIGNED, Ints, Spec, refuse, tag, told_by

ITERATIONS = 64_000
"""The paper's for CIFAR-10 (section 4.2)."""


class WarmupSpec(Spec):
    """A lower rate until the training error falls below a bound (ResNet-110, section 4.2)."""

    kind: Annotated[Literal["until-train-error"], TOLD] = "until-train-error"

    learning_rate: float = Field(default=0.01, gt=0)

    until_train_error_percent: float = Field(default=80.0, gt=0, le=100)
    """The warm-up ends when the training error over ``window_iterations`` falls below this."""

    window_iterations: int = Field(default=100, ge=1, le=10**9)
    """Iterations over which that error is averaged. The paper does not say."""


class _Schedule(Spec):
    iterations: int = Field(default=ITERATIONS, ge=0, le=10**9)
    """0 only with ``pretrained.mode`` ``as-published``."""

    learning_rate: float = Field(default=0.1, gt=0)

    warmup: WarmupSpec | None = None


class PiecewiseSchedule(_Schedule):
    """The rate is multiplied by ``factor`` at each of ``drops`` (CIFAR-10, section 4.2)."""

    kind: Annotated[Literal["piecewise"], TOLD] = "piecewise"

    factor: float = Field(default=0.1, gt=0, lt=1)

    drops: Ints
    """Iterations at which the rate drops; by default 32,000 and 48,000 of 64,000, in proportion to
    ``iterations``."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("drops") is not None:
            return data
        iterations = data.get("iterations", ITERATIONS)
        if not isinstance(iterations, int):
            return data
        return {**data, "drops": tuple(sorted({iterations // 2, iterations * 3 // 4} - {0}))}

    @model_validator(mode="after")
    def _drops_rise(self) -> "PiecewiseSchedule":
        for earlier, later in zip((0, *self.drops), self.drops, strict=False):
            if not earlier < later < self.iterations:
                rule = f"must rise strictly between 0 and iterations ({self.iterations})"
                raise refuse("drops", rule, self.drops)
        return self


class PlateauSchedule(_Schedule):
    """The rate is multiplied by ``factor`` whenever an error reaches a plateau (ImageNet, section
    3.4). The paper gives neither the error nor the rule."""

    kind: Annotated[Literal["plateau"], TOLD] = "plateau"

    factor: float = Field(default=0.1, gt=0, lt=1)

    of: Literal["train", "validation", "test"] = "train"
    """The split whose error counts, after each epoch. ``test`` selects on the reported images."""

    patience: int = Field(default=5, ge=1, le=10**6)
    """Consecutive epochs without a better error before the rate drops."""

    threshold_percent: Annotated[float, Field(ge=0, le=100), UNSIGNED] = 0.1
    """Percentage points by which an error must be below the best so far to count as better."""

    max_drops: int = Field(default=3, ge=1, le=100)


class CosineSchedule(_Schedule):
    """Half a cosine from the rate to 0 over the run (not in the paper)."""

    kind: Annotated[Literal["cosine"], TOLD] = "cosine"


ScheduleSpec = PiecewiseSchedule | PlateauSchedule | CosineSchedule

ScheduleField = Annotated[
    Annotated[PiecewiseSchedule, tag("piecewise")]
    | Annotated[PlateauSchedule, tag("plateau")]
    | Annotated[CosineSchedule, tag("cosine")],
    *told_by("kind", ("piecewise", "plateau", "cosine"), lambda data: "piecewise"),
]
"""The field of a spec. If ``kind`` is left out, it is piecewise."""

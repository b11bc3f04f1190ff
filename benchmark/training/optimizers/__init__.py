"""The optimizers, one module per rule, by the ``kind`` of its spec."""

from collections.abc import Callable, Sequence

import keras

from benchmark.spec import OptimizerSpec
from benchmark.training.optimizers.rule import Rule
from benchmark.training.optimizers.sgd import Momentum

RULES: dict[str, Callable[..., Rule]] = {"sgd": Momentum}


def optimizer_of(
    spec: OptimizerSpec, weights: list[keras.Variable], rates: Sequence[float] | None = None
) -> Rule:
    """Return the update rule of a spec for ``weights``."""
    return RULES[spec.kind](spec, weights, rates)

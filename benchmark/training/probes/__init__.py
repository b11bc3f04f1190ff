"""What is measured on the net itself, one module per diagnostic. Gradient norms come from the
training step instead."""

from collections.abc import Callable

import keras

from benchmark.data.feed import Feed
from benchmark.diagnostics import RESPONSES
from benchmark.spec import RunSpec
from benchmark.training.probes.responses import layer_responses

Measure = Callable[[], dict[str, float]]
"""Returns layer -> value for the current state of a net, without changing it."""

PROBES: dict[str, Callable[[RunSpec, keras.Model, Feed], Measure]] = {
    RESPONSES.key: layer_responses,
}
"""``Diagnostic.key`` -> the function that prepares its measurement, once per run."""

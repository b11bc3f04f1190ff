"""Trainable parameters and multiply-adds of a pre-activation net, computed without building it."""

from functools import cache

from benchmark.models.count import NOTHING, Cost, InputSize, layer_cost, shrunk
from benchmark.models.layout import blocks
from benchmark.models.resnet.cost import COSTS_NOTHING, convolutions, dense_cost
from benchmark.spec import BatchNormSpec, PreactivationSpec
from benchmark.spec.preactivation import GatedShortcut


def cost(spec: PreactivationSpec, input_shape: InputSize, dense: tuple[int, ...]) -> Cost:
    """See ``families``."""
    gated = isinstance(spec.on_shortcut, GatedShortcut)
    made_alike = COSTS_NOTHING | {
        "batch_norm": BatchNormSpec() if spec.batch_norm else None,
        "on_shortcut": GatedShortcut(kind="gating") if gated else None,
    }
    return _cost(spec.model_copy(update=made_alike), input_shape, dense)


@cache
def _cost(spec: PreactivationSpec, input_shape: InputSize, dense: tuple[int, ...]) -> Cost:
    height, width, channels = input_shape
    without_norms = spec.model_copy(update={"batch_norm": None})
    total = NOTHING
    sizes = {}
    for placed in convolutions(spec, channels):
        sizes[placed.stage] = shrunk(height, placed.shrink) * shrunk(width, placed.shrink)
        total += placed.cost(without_norms, sizes[placed.stage])
        features = placed.convolution.out_channels
    if spec.on_shortcut:
        for block in blocks(spec):
            total += layer_cost(1, block.in_channels, block.out_channels, sizes[block.stage])
    norms = sum(normalized_channels(spec)) if spec.batch_norm else 0
    return total + Cost(2 * norms, 0) + dense_cost(features, dense)


def normalized_channels(spec: PreactivationSpec) -> list[int]:
    """Return the channels of each batch normalisation, which has a scale and a shift for each."""
    found = [spec.stage_widths[0]]
    full, units = spec.order == "full-preactivation", list(blocks(spec))
    for number, block in enumerate(units):
        if block.shortcut == "projection" and not full:
            found.append(block.out_channels)
        plans = block.convolutions
        if not full:
            found += [plan.out_channels for plan in plans]
        else:  # Before each convolution; the stem's own comes before the first one.
            found += [plan.in_channels for plan in plans[number == 0 :]]
    return found + [units[-1].out_channels] * full

"""Compare traces: how far apart they start, and how fast they drift apart."""

import numpy as np
import pandas as pd

from benchmark.proof.crosscheck.case import Trace

LOSS_TOLERANCE, NORM_TOLERANCE = 1e-5, 1e-2
"""Relative tolerance, before the first step, of the loss and of each layer's gradient norm."""

ROUNDING = 5
"""Gradient norms may be off by this many times the largest change that another order of summation,
which is only rounding, makes in any layer. In a plain net that is up to 1e-2: a few ReLUs near zero
switch, and the layers before them differ."""

ERRORS_TOLERANCE = 1
"""Images of the first batch whose two best classes may be so close that rounding decides."""


def by_iteration(ours: Trace, others: dict[str, Trace]) -> pd.DataFrame:
    """Return one row per iteration, from 1: our ``loss`` and ``errors``, and for each of ``others``
    its own, ``loss_off`` (relative), ``norm_off`` (relative, of the layer that is off most), and
    ``weights_apart``: the distance between the weights after the iteration, divided by the distance
    that ours have moved from the initial ones."""
    columns = {
        "iteration": np.arange(1, len(ours.losses) + 1),
        "loss": ours.losses,
        "errors": ours.errors,
    }
    come = np.linalg.norm(ours.weights[1:] - ours.weights[0], axis=1)
    for name, other in others.items():
        apart = np.linalg.norm(other.weights[1:] - ours.weights[1:], axis=1)
        columns |= {
            f"loss_{name}": other.losses,
            f"errors_{name}": other.errors,
            f"loss_off_{name}": other.losses / ours.losses - 1,
            f"norm_off_{name}": _off(other, ours).max(1),
            f"weights_apart_{name}": apart / come,
        }
    return pd.DataFrame(columns)


def by_layer(ours: Trace, others: dict[str, Trace]) -> pd.DataFrame:
    """Return one row per layer, for the first iteration: our ``norm``, and for each of ``others``
    its own and ``off`` (relative)."""
    columns = {"layer": ours.layers, "norm": ours.norms[0]}
    for name, other in others.items():
        columns |= {f"norm_{name}": other.norms[0], f"off_{name}": _off(other, ours)[0]}
    return pd.DataFrame(columns)


def norm_tolerance(ours: Trace, again: Trace) -> float:
    """Return how far a layer's gradient norm may be off before the first step. ``again``: our own
    step with its sums in another order."""
    return max(NORM_TOLERANCE, ROUNDING * float(_off(again, ours)[0].max()))


def problems(ours: Trace, other: Trace, tolerance: float = NORM_TOLERANCE) -> list[str]:
    """Return what differs by more than rounding before the first step: the name, the rule and both
    values. Empty if they agree. ``tolerance``: from ``norm_tolerance``."""
    if (ours.weights[0] != other.weights[0]).any() or (ours.layers != other.layers).any():
        return ["weights must be ours before the first step"]
    found = []
    loss, theirs = ours.losses[0], other.losses[0]
    if not abs(theirs / loss - 1) <= LOSS_TOLERANCE:
        found.append(f"first loss must be {loss:.7g} to {LOSS_TOLERANCE:g}. Received: {theirs:.7g}")
    if abs(other.errors[0] - ours.errors[0]) > ERRORS_TOLERANCE:
        rule = f"first errors must be {ours.errors[0]} to {ERRORS_TOLERANCE}"
        found.append(f"{rule}. Received: {other.errors[0]}")
    off = _off(other, ours)[0]
    for place in np.flatnonzero(~(off <= tolerance)):
        rule = f"gradient norm must be {ours.norms[0, place]:.5g} to {tolerance:.2g}"
        found.append(f"{ours.layers[place]}: {rule}. Received: {other.norms[0, place]:.5g}")
    return found


def _off(other: Trace, ours: Trace) -> np.ndarray:
    return np.abs(other.norms / ours.norms - 1)

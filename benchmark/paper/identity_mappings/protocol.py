"""The paper's protocol for CIFAR-10 (its appendix): the first paper's, except for the nets and the
warm-up."""

from collections.abc import Mapping
from typing import Any

from benchmark.paper.deep_residual_learning.protocol import CIFAR10 as OF_THE_FIRST_PAPER
from benchmark.paper.deep_residual_learning.protocol import CIFAR10_OPEN, equal_stages
from benchmark.paper.departures import Departure, Protocol

OPTIONS = {"single": ("A", "C"), "basic": ("A", "C"), "bottleneck": ("B",)}
"""Block -> its shortcuts: the first paper's, or C (table 1, 1x1 convolution); bottlenecks have
projections where the shape changes (appendix)."""

DEPTHS = {"single": (110,), "basic": (110,), "bottleneck": (164, 1001)}

CIFAR10: dict[str, tuple[Any, ...]] = {
    **OF_THE_FIRST_PAPER,
    "model.block": tuple(OPTIONS),
    "model.depth": (110, 164, 1001),
    "model.shortcut": ("A", "B", "C"),
    "schedule.warmup.learning_rate": (0.01,),
    "schedule.warmup.until_train_error_percent": (100.0,),
    "schedule.warmup.window_iterations": (400,),
}
"""The warm-up takes 400 iterations regardless of the error: over that many it is always below
100 %. As in the first paper, batch normalization over all 128 images of a batch is not a
departure."""


def _nets(spec: Mapping[str, Any]) -> list[Departure]:
    net = spec["model"]
    return equal_stages(spec) + [
        Departure(f"model.{name}", net[name], of_block[net["block"]])
        for name, of_block in (("shortcut", OPTIONS), ("depth", DEPTHS))
        if net[name] not in of_block[net["block"]]
        and net[name] in CIFAR10[f"model.{name}"]  # Otherwise it is already reported.
    ]


_NEEDED = ("model.batch_norm", "schedule.warmup")
_CIFAR10 = Protocol("appendix", CIFAR10, _NEEDED, _nets, CIFAR10_OPEN)

PROTOCOLS = {"cifar10": _CIFAR10, "cifar10-subset": _CIFAR10}
"""Data set -> the protocol for runs on it."""

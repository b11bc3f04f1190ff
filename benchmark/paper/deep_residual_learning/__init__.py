"""Deep Residual Learning, the paper that this project primarily reproduces."""

from collections.abc import Mapping
from typing import Any

from benchmark.paper.deep_residual_learning.protocol import PROTOCOLS
from benchmark.paper.paper import Paper

_OWN_TABLE = {
    "cifar10": (6, "test_error_percent"),
    "coco2014": (8, "ap_percent"),
}
"""Data set -> the table of nets trained on it, and its primary metric."""


def _rows(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys for a spec; none for plain nets, whose CIFAR-10 errors are not printed."""
    net, own = spec["model"], _OWN_TABLE.get(spec["dataset"]["name"])
    if own is None or net.get("shortcut") == "none":
        return ()
    table, metric = own
    kind = "VGG" if net.get("family") == "vgg" else "ResNet"
    return (f"table{table}/{kind}-{net['depth']}/{metric}",)


PAPER = Paper(
    name="deep-residual-learning",
    title="Deep Residual Learning for Image Recognition",
    authors="He, Zhang, Ren, Sun",
    arxiv="1512.03385",
    families=("resnet", "vgg"),
    protocols=PROTOCOLS,
    rows=_rows,
    untrained=("vgg",),
)

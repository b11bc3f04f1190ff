"""Identity Mappings, the paper on shortcuts and on the order of layers in a residual unit."""

from collections.abc import Mapping
from typing import Any

from benchmark.paper.identity_mappings.protocol import PROTOCOLS
from benchmark.paper.paper import Paper


def _rows(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys for a net with identity shortcuts: tables 2 and 3, which agree on nets that
    both list."""
    net = spec["model"]
    if spec["dataset"]["name"] != "cifar10" or net.get("on_shortcut") or net["shortcut"] == "C":
        return ()
    skip = " (1 layer skip)" if net["block"] == "single" else ""
    row = f"ResNet-{net['depth']}{skip} {net['order']}/test_error_percent"
    return tuple(f"identity-mappings/table{table}/{row}" for table in (2, 3))


PAPER = Paper(
    name="identity-mappings",
    title="Identity Mappings in Deep Residual Networks",
    authors="He, Zhang, Ren, Sun",
    arxiv="1603.05027",
    families=("preactivation-resnet",),
    protocols=PROTOCOLS,
    rows=_rows,
)

"""The paper's numbers, and those of later reproductions, read from the CSV files beside this."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Number:
    """One reported number, with how it was come by."""

    row: str
    """The net, and what sets it apart in its table."""
    column: str
    """The metric."""
    value: float
    sd: float | None
    """Standard deviation over the runs, where it is reported."""
    n: int | None
    """Runs behind the number; None where it is no run's."""
    unit: str
    dataset: str
    split: str
    view: str
    """How an image is looked at: ``single view``, ``10-crop`` and so on."""
    selection: str
    """Which of the runs, or which mean of them; or ``arithmetic``."""


@dataclass(frozen=True, kw_only=True)
class Published(Number):
    """One number of a table of the paper (arXiv 1512.03385)."""

    table: int

    @property
    def key(self) -> str:
        """``table6/ResNet-20/test_error_percent``."""
        return f"table{self.table}/{self.row}/{self.column}"


@dataclass(frozen=True, kw_only=True)
class Reproduced(Number):
    """One number that others reported later: context, never a target."""

    source: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a figure of the paper shows, in words."""

    figure: int
    statement: str
    dataset: str
    quantity: str
    """What the statement is judged by: a metric of claims."""


def _read(file: str) -> list[dict[str, str]]:
    text = resources.files("benchmark.paper").joinpath(file).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def _rows(file: str) -> list[dict[str, Any]]:
    return [
        {
            **row,
            "value": float(row["value"]),
            "sd": float(row["sd"]) if row["sd"] else None,
            "n": int(row["n"]) if row["n"] else None,
        }
        for row in _read(file)
    ]


PUBLISHED: dict[str, Published] = {
    number.key: number
    for number in (
        Published(**{**row, "table": int(row["table"])}) for row in _rows("published.csv")
    )
}
"""Key -> number."""


_OWN_TABLE = {
    "cifar10": (6, "test_error_percent"),
    "coco2014": (8, "ap_percent"),
}
"""Data set -> the table of the nets that were trained on it, and its primary metric."""


def published_for(spec: Mapping[str, Any]) -> Published | None:
    """The paper's test error, or average precision, of a run that does not depart from its
    protocol, by its spec as plain data; None where it prints none, as of plain nets on CIFAR-10."""
    net, own = spec["model"], _OWN_TABLE.get(spec["dataset"]["name"])
    if own is None or net.get("shortcut") == "none":
        return None
    table, metric = own
    row = f"VGG-{net['depth']}" if net.get("family") == "vgg" else f"ResNet-{net['depth']}"
    return PUBLISHED.get(f"table{table}/{row}/{metric}")


REPRODUCTIONS: tuple[Reproduced, ...] = tuple(
    Reproduced(**row) for row in _rows("reproductions.csv")
)
"""What others reported, apart from what the paper did."""

SHOWN: tuple[Shown, ...] = tuple(
    Shown(**{**row, "figure": int(row["figure"])})  # type: ignore[arg-type]
    for row in _read("figures.csv")
)
"""What Figures 1, 4, 6 and 7 show."""

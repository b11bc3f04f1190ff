"""The paper's numbers, and those of later reproductions, read from the CSV files beside this."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

SELECTIONS = {
    "unstated": "not stated (one run assumed)",
    "single": "one run",
    "mean": "mean{count} runs",
    "best": "best{count} runs",
    "best-epoch": "the best epoch by test error",
    "mean-of-best-epochs": "mean{count} runs, the best epoch by test error of each",
    "ensemble": "ensemble{count} models",
    "reported": "as others reported it",
    "reported-ensemble": "an ensemble, as others reported it",
    "arithmetic": "by arithmetic",
}
"""How a number was selected: code -> what it means."""


@dataclass(frozen=True, kw_only=True)
class Number:
    """One reported number, and how it was obtained."""

    row: str
    """The net, and what sets it apart in its table."""
    column: str
    """The metric."""
    value: float
    sd: float | None
    """Standard deviation over the runs, where it is reported."""
    n: int | None
    """Runs behind the number; None where it is not of runs, or where nobody says."""
    unit: str
    dataset: str
    split: str
    view: str
    """How an image is looked at: ``single view``, ``10-crop`` and so on."""
    selection: str
    """Which of the runs, or which mean of them: one of ``SELECTIONS``."""

    @property
    def best_of(self) -> int | None:
        """So many runs, where it is the best of them."""
        return self.n if self.selection == "best" else None

    @property
    def is_ensemble(self) -> bool:
        """Whether several nets together were scored."""
        return "ensemble" in self.selection

    @property
    def selected(self) -> str:
        """``selection`` for people: ``best of 5 runs``."""
        count = "" if self.n is None else f" of {self.n}"
        return SELECTIONS[self.selection].format(count=count)


@dataclass(frozen=True, kw_only=True)
class Published(Number):
    """One number of the paper (arXiv 1512.03385)."""

    table: int
    """0 for what stands in the text alone."""
    trained_on: str
    """Which part of the data sets; empty where nothing was trained."""

    @property
    def key(self) -> str:
        """``table6/ResNet-20/test_error_percent``."""
        where = f"table{self.table}" if self.table else "text"
        return f"{where}/{self.row}/{self.column}"


@dataclass(frozen=True, kw_only=True)
class Reproduced(Number):
    """One number that others reported later: context, never a target."""

    source: str
    url: str
    values: tuple[float, ...]
    """Of each run, where they are known."""
    departures: str
    """From the paper's protocol, as far as they are known."""
    evidence: str
    """Whose runs, and how many."""


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


def _values(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "values": tuple(map(float, row["values"].split()))}


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
    Reproduced(**_values(row)) for row in _rows("reproductions.csv")
)
"""What others reported, apart from what the paper did."""

SHOWN: tuple[Shown, ...] = tuple(
    Shown(**{**row, "figure": int(row["figure"])})  # type: ignore[arg-type]
    for row in _read("figures.csv")
)
"""What Figures 1, 4, 6 and 7 show."""

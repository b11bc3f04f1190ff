"""The paper's numbers, and what its figures show, read from the CSV files beside this."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from benchmark.paper.number import Number, Row
from benchmark.paper.rows import rows_of


class Published(Number):
    """One number of a table of the paper (arXiv 1512.03385), or of its text."""

    table: Annotated[
        Annotated[int, Field(ge=1, le=14)] | None,
        BeforeValidator(lambda text: None if text == "text" else text),
    ]
    """None where it stands in the text alone."""
    cited: str = Field(pattern=r"^(\d+(\+\d+)*)?$")
    """Of a number of other authors, their place in the paper's list of references: ``42+43``."""

    @property
    def key(self) -> str:
        """``table6/ResNet-20/test_error_percent``, or ``text/VGG-19/multiply_adds``."""
        where = "text" if self.table is None else f"table{self.table}"
        return f"{where}/{self.row}/{self.column}"


class Shown(Row):
    """What a figure of the paper shows, in words."""

    figure: int
    statement: str = Field(min_length=1)
    dataset: Literal["cifar10", "imagenet"]
    quantity: str = Field(min_length=1)
    """What the statement is judged by: a metric of claims."""


PUBLISHED: dict[str, Published] = {
    number.key: number for number in rows_of(Published, "published.csv")
}
"""Key -> number."""

SHOWN = rows_of(Shown, "figures.csv")
"""What Figures 1, 4, 6 and 7 show."""

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

"""A paper's numbers, and what its figures show, as its CSV files have them."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from benchmark.paper.number import Number, Row

FIRST = "deep-residual-learning"
"""The paper whose keys have no name before them."""


class Published(Number):
    """One number of a table of a paper, or of its text."""

    paper: str
    """By its name here: ``deep-residual-learning``."""
    table: Annotated[
        Annotated[int, Field(ge=1, le=14)] | None,
        BeforeValidator(lambda text: None if text == "text" else text),
    ]
    """None where it stands in the text alone."""
    cited: str = Field(pattern=r"^(\d+(\+\d+)*)?$")
    """Of a number of other authors, their place in the paper's list of references: ``42+43``."""

    @property
    def key(self) -> str:
        """``table6/ResNet-20/test_error_percent``, or ``text/VGG-19/multiply_adds``; of another
        paper than the first with its name before: ``identity-mappings/table1/...``."""
        where = "text" if self.table is None else f"table{self.table}"
        of = "" if self.paper == FIRST else f"{self.paper}/"
        return f"{of}{where}/{self.row}/{self.column}"


class Shown(Row):
    """What a figure of the paper shows, in words."""

    figure: int
    statement: str = Field(min_length=1)
    dataset: Literal["cifar10", "imagenet"]
    quantity: str = Field(min_length=1)
    """What the statement is judged by: a metric of claims."""

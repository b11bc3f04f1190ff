"""A paper's numbers, and what its figures show, as listed in its CSV files."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from benchmark.paper.number import Number, Row

FIRST = "deep-residual-learning"
"""The paper whose keys have no prefix."""


class Published(Number):
    """A number from a paper's table or text."""

    paper: str
    """The paper's name here: ``deep-residual-learning``."""
    table: Annotated[
        Annotated[int, Field(ge=1, le=14)] | None,
        BeforeValidator(lambda text: None if text == "text" else text),
    ]
    """None if the number is only in the text."""
    cited: str = Field(pattern=r"^(\d+(\+\d+)*)?$")
    """For other authors' numbers, the entries in the paper's list of references: ``42+43``."""

    @property
    def key(self) -> str:
        """``table6/ResNet-20/test_error_percent`` or ``text/VGG-19/multiply_adds``; prefixed with
        the paper's name except for the first paper: ``identity-mappings/table1/...``."""
        where = "text" if self.table is None else f"table{self.table}"
        of = "" if self.paper == FIRST else f"{self.paper}/"
        return f"{of}{where}/{self.row}/{self.column}"


class Shown(Row):
    """What a figure of the paper shows, in words."""

    figure: int
    statement: str = Field(min_length=1)
    dataset: Literal["cifar10", "imagenet"]
    quantity: str = Field(min_length=1)
    """The metric of claims that decides the statement."""

"""CSV files beside this one, read strictly."""

import csv
from importlib import resources
from typing import TypeVar

from pydantic import BaseModel, ValidationError

RowT = TypeVar("RowT", bound=BaseModel)


def rows_of(kind: type[RowT], file: str) -> tuple[RowT, ...]:
    """A row of ``kind`` for each line below the header of a file of this package."""
    text = resources.files("benchmark.paper").joinpath(file).read_text("utf-8")
    return parsed(kind, text, file)


def parsed(kind: type[RowT], text: str, file: str) -> tuple[RowT, ...]:
    """The same of a file's text.

    Raises ValueError, with the file and the line, where the header is not the fields of ``kind``,
    or a line has another number of cells or a value that its field refuses.
    """
    lines = csv.reader(text.splitlines(), strict=True)
    header = next(lines, [])
    if sorted(header) != sorted(kind.model_fields):
        rule = f"the columns must be {', '.join(kind.model_fields)}"
        raise ValueError(f"{file}, line 1: {rule}. Received: {', '.join(header)}")
    rows = []
    for cells in lines:
        where = f"{file}, line {lines.line_num}"
        if len(cells) != len(header):
            rule = f"must have {len(header)} cells"
            raise ValueError(f"{where}: {rule}. Received: {len(cells)}")
        try:
            rows.append(kind.model_validate(dict(zip(header, cells, strict=True))))
        except ValidationError as error:
            raise ValueError(f"{where}: {error}") from error
    return tuple(rows)

"""Strict reading of a paper's CSV files."""

import csv
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import TypeVar

from pydantic import BaseModel, ValidationError

RowT = TypeVar("RowT", bound=BaseModel)


def rows_of(kind: type[RowT], paper: str, file: str) -> tuple[RowT, ...]:
    """Return a row of ``kind`` for each line below the header of a file in a paper's folder; none
    if there is no such file. A row gets the paper's name if its kind has a field for it."""
    path = resources.files("benchmark.paper") / paper.replace("-", "_") / file
    named = {"paper": paper} if "paper" in kind.model_fields else {}
    return parsed(kind, path.read_text("utf-8"), file, named) if path.is_file() else ()


def parsed(
    kind: type[RowT], text: str, file: str, given: Mapping[str, str] = MappingProxyType({})
) -> tuple[RowT, ...]:
    """Return the rows in a file's text; ``given``: values of fields that are not columns.

    Raises ValueError, with the file and the line, if the header does not match the fields of
    ``kind``, or a line has the wrong number of cells or a value that its field refuses.
    """
    lines = csv.reader(text.splitlines(), strict=True)
    header = next(lines, [])
    columns = [field for field in kind.model_fields if field not in given]
    if sorted(header) != sorted(columns):
        rule = f"the columns must be {', '.join(columns)}"
        raise ValueError(f"{file}, line 1: {rule}. Received: {', '.join(header)}")
    rows = []
    for cells in lines:
        where = f"{file}, line {lines.line_num}"
        if len(cells) != len(header):
            rule = f"must have {len(header)} cells"
            raise ValueError(f"{where}: {rule}. Received: {len(cells)}")
        try:
            rows.append(kind.model_validate({**dict(zip(header, cells, strict=True)), **given}))
        except ValidationError as error:
            raise ValueError(f"{where}: {error}") from error
    return tuple(rows)

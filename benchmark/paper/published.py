"""The paper's numbers, read from ``published.csv``."""

import csv
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True)
class Published:
    """One number of a table of the paper (arXiv 1512.03385), with how it was selected."""

    table: int
    row: str
    column: str
    value: float
    sd: float | None
    """Standard deviation, where it is published."""
    n: int | None
    """Runs behind the number; None where it is no run's."""
    unit: str
    dataset: str
    split: str
    selection: str
    """How the number was come by: which of the runs, or by arithmetic."""

    @property
    def key(self) -> str:
        """``table6/ResNet-20/test_error_percent``."""
        return f"table{self.table}/{self.row}/{self.column}"


def _read() -> dict[str, Published]:
    text = resources.files("benchmark.paper").joinpath("published.csv").read_text("utf-8")
    rows = [
        Published(
            table=int(row["table"]),
            row=row["row"],
            column=row["column"],
            value=float(row["value"]),
            sd=float(row["sd"]) if row["sd"] else None,
            n=int(row["n"]) if row["n"] else None,
            unit=row["unit"],
            dataset=row["dataset"],
            split=row["split"],
            selection=row["selection"],
        )
        for row in csv.DictReader(text.splitlines())
    ]
    return {row.key: row for row in rows}


PUBLISHED: dict[str, Published] = _read()
"""Key -> number."""

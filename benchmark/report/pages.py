"""Rendering of a report's facts as Markdown, HTML, LaTeX and CSV."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, select_autoescape

from benchmark.records.files import write_text

_FORMATS = {
    "images/s": "{:.0f}",
    "wall time (s)": "{:.0f}",
    "parameters": "{:,.0f}",
    "diverged": "{:.0f}",
    "seed": "{:.0f}",
    "runs": "{:.0f}",
    "epochs": "{:.0f}",
    "at epoch": "{:.0f}",
    "mean response": "{:.3g}",
    "p": "{:.3g}",
    "p against": "{:.3g}",
}

_SLOW = 10
"""Images/s below which whole numbers are too coarse, as for detectors."""


_MARKDOWN = re.compile(
    r"[\\`*$|]|~(?=~)|<(?=[A-Za-z/!?])|(?<=\])[(\[:]|&(?=#?\w+;)"
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"
)
"""Characters that are markup in their context; a ``_`` within a word and a lone ``<`` are not."""


class Table:
    """A frame as rows of text, for the templates."""

    def __init__(self, frame: pd.DataFrame):
        self.header = list(frame.columns)
        self.rows = [
            [cell_text(str(k), v) for k, v in row.items()] for row in frame.to_dict("records")
        ]
        self.numeric = [pd.api.types.is_numeric_dtype(frame[name]) for name in frame]


def cell_text(column: str, value: Any) -> str:
    """Return the text of a table's cell: numbers in the column's format, a dash for no value."""
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return "–"
    if column == "images/s" and value < _SLOW:
        return f"{value:.2g}"
    return _FORMATS.get(column, "{:.2f}").format(value)


def markdown_cell(text: str) -> str:
    """Escape text for one cell of a Markdown table, so that none of it is read as Markdown, HTML or
    math."""
    return " ".join(_MARKDOWN.sub(r"\\\g<0>", text).split())


def note(facts: Mapping[str, Any]) -> str:
    """Return the first part of the Markdown report, for MLflow's description."""
    return template("note.md.j2").render(facts)


PAGES = {"html": "report.html", "markdown": "report.md", "latex": "report.tex"}
"""Format -> its file in a suite's folder. The HTML is self-contained; the LaTeX, for use in a
paper, has booktabs rules. The format ``csv`` has a file for each table instead."""


def write(folder: Path, name: str, facts: Mapping[str, Any]) -> list[Path]:
    """Write a report in one format. As ``csv``, numbers are in full, and ``variants.csv`` has each
    variant's departures from the paper's protocol."""
    if name == "csv":
        frames: Mapping[str, pd.DataFrame] = facts["frames"]
        texts = {f"{table}.csv": frame.to_csv(index=False) for table, frame in frames.items()}
    else:
        texts = {PAGES[name]: template(f"{PAGES[name]}.j2").render(facts)}
    for file, text in texts.items():  # "replace" is for a lone surrogate.
        write_text(folder / file, text.encode("utf-8", "replace").decode("utf-8"))
    return [folder / file for file in texts]


def template(name: str) -> Any:
    """Return a template of this package."""
    environment = Environment(
        loader=PackageLoader("benchmark.report", "templates"),
        autoescape=select_autoescape(["html.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"cell": markdown_cell, "tex": _tex, "inline": _inline}
    return environment.get_template(name)


_TEX = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "–": "--",
}


def _tex(text: str) -> str:
    """Return text on one line with TeX's special characters escaped. A ``[`` or ``*`` at the start
    would be read as an argument of the ``\\\\`` before it."""
    told = "".join(_TEX.get(sign, sign) for sign in " ".join(text.split()))
    return f"{{}}{told}" if told.startswith(("[", "*")) else told


def _inline(path: Path) -> str:
    """Return an SVG file's text without the XML header, which HTML does not allow."""
    text = path.read_text("utf-8")
    return text[text.index("<svg") :]

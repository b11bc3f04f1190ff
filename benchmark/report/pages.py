"""A report's facts as Markdown, HTML, LaTeX and CSV."""

import re
from collections.abc import Callable, Mapping
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
"""Images/s below which whole ones say too little, as of detectors."""


_MARKDOWN = re.compile(
    r"[\\`*$|]|~(?=~)|<(?=[A-Za-z/!?])|(?<=\])[(\[:]|&(?=#?\w+;)"
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"
)
"""Signs where they mark something up; a ``_`` within a word and a lone ``<`` do not."""


class Table:
    """A frame as rows of text, for the templates."""

    def __init__(self, frame: pd.DataFrame):
        self.header = list(frame.columns)
        self.rows = [
            [cell_text(str(k), v) for k, v in row.items()] for row in frame.to_dict("records")
        ]
        self.numeric = [pd.api.types.is_numeric_dtype(frame[name]) for name in frame]


def cell_text(column: str, value: Any) -> str:
    """A table's cell: numbers in the column's format, nothing as a dash."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return "–"
    if isinstance(value, str):
        return value
    if column == "images/s" and value < _SLOW:
        return f"{value:.2g}"
    return _FORMATS.get(column, "{:.2f}").format(value)


def markdown_cell(text: str) -> str:
    """Text that stays within one cell of a Markdown table, and is no Markdown, HTML or
    mathematics."""
    return " ".join(_MARKDOWN.sub(r"\\\g<0>", text).split())


def note(facts: Mapping[str, Any]) -> str:
    """The first part of the Markdown report, for MLflow's description."""
    return template("note.md.j2").render(facts)


def write_markdown(folder: Path, facts: Mapping[str, Any]) -> list[Path]:
    """``report.md``."""
    return [_written(folder / "report.md", template("report.md.j2").render(facts))]


def write_html(folder: Path, facts: Mapping[str, Any]) -> list[Path]:
    """``report.html``, which needs no other file."""
    return [_written(folder / "report.html", template("report.html.j2").render(facts))]


def write_latex(folder: Path, facts: Mapping[str, Any]) -> list[Path]:
    """``report.tex``: the tables, with booktabs' rules, and the figures, to be taken into a
    paper."""
    return [_written(folder / "report.tex", template("report.tex.j2").render(facts))]


def write_csv(folder: Path, facts: Mapping[str, Any]) -> list[Path]:
    """``verdicts.csv``, ``tests.csv`` and ``variants.csv``: numbers in full, and where each variant
    departs from the paper's protocol."""
    frames: Mapping[str, pd.DataFrame] = facts["frames"]
    return [
        _written(folder / f"{name}.csv", frame.to_csv(index=False))
        for name, frame in frames.items()
    ]


WRITERS: dict[str, Callable[[Path, Mapping[str, Any]], list[Path]]] = {
    "html": write_html,
    "markdown": write_markdown,
    "latex": write_latex,
    "csv": write_csv,
}
"""Format -> what writes it into a suite's folder."""


def _written(path: Path, text: str) -> Path:
    write_text(path, text.encode("utf-8", "replace").decode("utf-8"))  # Half a surrogate pair.
    return path


def template(name: str) -> Any:
    """A template of this package."""
    environment = Environment(
        loader=PackageLoader("benchmark.report", "templates"),
        autoescape=select_autoescape(["html.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = markdown_cell
    environment.filters["tex"] = _tex
    environment.filters["inline"] = _inline
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
    """On one line, with TeX's own signs as signs. A ``[`` or ``*`` at the beginning would belong to
    the end of a table's line before it."""
    told = "".join(_TEX.get(sign, sign) for sign in " ".join(text.split()))
    return f"{{}}{told}" if told.startswith(("[", "*")) else told


def _inline(path: Path) -> str:
    """An SVG without its XML head, which HTML does not want."""
    text = path.read_text("utf-8")
    return text[text.index("<svg") :]

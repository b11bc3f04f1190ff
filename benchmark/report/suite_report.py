"""One suite's report: tables, figure, Markdown, and one HTML file that needs no other."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, select_autoescape

from benchmark.records.files import write_text
from benchmark.records.frames import load_curves, load_runs
from benchmark.records.store import Store
from benchmark.report import tables
from benchmark.report.figures import draw_curves

SUBSET_NOTE = (
    "Trained and tested on the embedded tenth of CIFAR-10 (5,000 training and 1,000 test images). "
    "These errors are not comparable with the paper's, which are for the full data set; and the "
    "error of one run on 1,000 images has a standard error of about 1.6 points, so small "
    "differences between single runs say nothing."
)

_FORMATS = {
    "images/s": "{:.0f}",
    "wall time (s)": "{:.0f}",
    "parameters": "{:,.0f}",
    "diverged": "{:.0f}",
    "seed": "{:.0f}",
    "epochs": "{:.0f}",
    "at epoch": "{:.0f}",
}


@dataclass(frozen=True)
class Report:
    """The files that were written, and the table of variants as text."""

    markdown: Path
    html: Path
    figures: list[Path]
    frames: list[Path]
    variants: pd.DataFrame
    note: str
    """The variants as a Markdown table, for MLflow's description."""


def write_report(store: Store, suite: str) -> Report:
    """Write everything that the records of a suite tell into its folder.

    Raises FileNotFoundError where the suite has no records.
    """
    folder = store.suite(suite)
    plan = folder.plan()
    runs, curves = load_runs(store.root, suite), load_curves(store.root, suite)
    frames = tables.write_frames(folder.path, runs, curves)
    title = f"{suite}: training and test error"
    figures = draw_curves(curves, folder.path / "figures", title) if len(curves) else []
    variants = tables.variants_table(runs)
    facts = {
        "suite": suite,
        "source": plan["source"],
        "note": SUBSET_NOTE if _on_subset(runs) else None,
        "split": _split(runs),
        "variants": _Table(variants),
        "runs": _Table(tables.runs_table(runs)),
        "claims": plan["claims"],
        "departures": _phrases(tables.departures_of(runs, store), len(variants)),
        "environments": tables.environments(runs, store),
        "svg": _inline(figures[0]) if figures else None,
    }
    environment = Environment(
        loader=PackageLoader("benchmark.report", "."),
        autoescape=select_autoescape(["html.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    markdown, html = folder.path / "report.md", folder.path / "report.html"
    write_text(markdown, environment.get_template("report.md.j2").render(facts))
    write_text(html, environment.get_template("report.html.j2").render(facts))
    note = environment.get_template("note.md.j2").render(facts)
    return Report(markdown, html, figures, frames, variants, note)


class _Table:
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
    return _FORMATS.get(column, "{:.2f}").format(value)


def _on_subset(runs: pd.DataFrame) -> bool:
    names = runs.get("dataset.name", pd.Series(dtype=object)).dropna()
    return bool((names == "cifar10-subset").any())


def _split(runs: pd.DataFrame) -> str:
    splits = runs.get("evaluation.split", pd.Series(dtype=object)).dropna().unique()
    return " or ".join(splits) or "test"


def _phrases(found: Mapping[str, list[str]], variants: int) -> list[str]:
    """A departure of all variants stands once, without their names."""
    return [
        phrase if len(names) == variants else f"{phrase} ({', '.join(names)})"
        for phrase, names in found.items()
    ]


def _inline(path: Path) -> str:
    """An SVG without its XML head, which HTML does not want."""
    text = path.read_text("utf-8")
    return text[text.index("<svg") :]

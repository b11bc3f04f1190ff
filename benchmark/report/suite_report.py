"""One suite's report: tables, figure, Markdown, and one HTML file that needs no other."""

import math
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
from benchmark.spec.dataset import TEST_IMAGES, TRAIN_IMAGES

SUBSET = "cifar10-subset"

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
    title = f"{suite}: training and {_split(runs)} error"
    figures = draw_curves(curves, folder.path / "figures", title) if len(curves) else []
    variants = tables.variants_table(runs)
    facts = {
        "suite": suite,
        "source": plan["source"],
        "note": subset_note(runs),
        "split": _split(runs),
        "variants": _Table(variants),
        "runs": _Table(tables.runs_table(runs)),
        **_judged(plan, runs),
        "departures": _phrases(tables.departures_of(plan["cells"]), len(variants)),
        "environments": tables.environments(runs, store),
        "svg": _inline(figures[0]) if figures else None,
    }
    environment = Environment(
        loader=PackageLoader("benchmark.report", "."),
        autoescape=select_autoescape(["html.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = markdown_cell
    markdown, html = folder.path / "report.md", folder.path / "report.html"
    write_text(markdown, environment.get_template("report.md.j2").render(facts))
    write_text(html, environment.get_template("report.html.j2").render(facts))
    note = environment.get_template("note.md.j2").render(facts)
    return Report(markdown, html, figures, frames, variants, note)


def _judged(plan: Mapping[str, Any], runs: pd.DataFrame) -> dict[str, Any]:
    """The tables of verdicts, and of the tests behind them; None where nothing is claimed."""
    if not plan["claims"]:
        return {"verdicts": None, "tests": None}
    from benchmark.report.verdicts import finding_table, judge, verdict_table
    from benchmark.suite.claim import Claim

    claims = [Claim.model_validate(claim) for claim in plan["claims"]]
    verdicts = judge(claims, runs, {cell["variant"]: cell["spec"] for cell in plan["cells"]})
    return {"verdicts": _Table(verdict_table(verdicts)), "tests": _Table(finding_table(verdicts))}


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


def subset_note(runs: pd.DataFrame) -> str | None:
    """That errors are not the paper's, where runs are on the embedded part of CIFAR-10."""
    subset = runs[runs["dataset.name"] == "cifar10-subset"]
    if not len(subset):
        return None
    held_out = subset["dataset.held_out_images"]
    scored = held_out.where(subset["evaluation.split"] == "validation", TEST_IMAGES[SUBSET])
    fewest = int(scored.min())
    variants = list(dict.fromkeys(subset["variant"]))
    which = "" if len(subset) == len(runs) else f" ({', '.join(variants)})"
    return (
        f"Trained on {_numbers(TRAIN_IMAGES[SUBSET] - held_out)} and scored on {_numbers(scored)} "
        f"images of the embedded tenth of CIFAR-10{which}. These errors are not comparable with "
        "the paper's, which are for the full data set; and the error of one run on "
        f"{fewest:,} images has a standard error of up to {50 / math.sqrt(fewest):.1f} points, so "
        "small differences between single runs say nothing."
    )


def _numbers(column: pd.Series) -> str:
    return " or ".join(f"{int(number):,}" for number in sorted(set(column)))


def _split(runs: pd.DataFrame) -> str:
    splits = runs.get("evaluation.split", pd.Series(dtype=object)).dropna().unique()
    return " or ".join(splits) or "test"


def _phrases(found: Mapping[str, list[str]], variants: int) -> list[str]:
    """A departure of all variants stands once, without their names."""
    return [
        phrase if len(names) == variants else f"{phrase} ({', '.join(names)})"
        for phrase, names in found.items()
    ]


def markdown_cell(text: str) -> str:
    """Text that stays within one cell of a Markdown table."""
    return " ".join(text.replace("|", "\\|").split())


def _inline(path: Path) -> str:
    """An SVG without its XML head, which HTML does not want."""
    text = path.read_text("utf-8")
    return text[text.index("<svg") :]

"""The report on a suite: frames, figures, and pages with the verdicts on its claims."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.metrics import AP, ERROR
from benchmark.paper import departures, left_open, section, told
from benchmark.records.ensembles import load_ensembles
from benchmark.records.frames import load_all
from benchmark.records.problems import RecordsError, one_line
from benchmark.records.reference import Compared, compared_with, reference_for
from benchmark.records.store import Store
from benchmark.report import pages, tables
from benchmark.report.detection_images import gallery
from benchmark.report.figures.drawn import Drawn, draw_figures
from benchmark.report.looks import look_tables
from benchmark.report.pages import Table
from benchmark.report.phrases import by_phrase, by_variants
from benchmark.report.published import published_levels, published_table
from benchmark.report.scope import scope_of, shown
from benchmark.report.values import by_metric, with_values_at
from benchmark.report.verdicts import finding_table, judge, verdict_table
from benchmark.spec import CifarSpec
from benchmark.status import Status
from benchmark.suite.claims import claim_of
from benchmark.suite.looks import Looks
from benchmark.suite.selection import Selection, select

FORMATS = ("html", "markdown")
"""Default formats."""


@dataclass(frozen=True)
class Report:
    """The files that were written, and a summary of their contents."""

    pages: dict[str, list[Path]]
    """Format -> its files."""
    figures: list[Drawn]
    frames: list[Path]
    """Runs, curves and layers, as CSV and Parquet."""
    variants: pd.DataFrame
    verdicts: pd.DataFrame
    note: str
    """Verdicts and variants as Markdown tables, for MLflow's description."""
    title: str
    """Title of the table of variants: ``error and AP in percent after the last epoch``."""
    compared: dict[str, Compared]
    """Run id -> comparison with the reference, for runs that are in it."""
    problems: list[str]
    """Figures and pages that could not be made, with the reasons."""

    @property
    def verdict_counts(self) -> str:
        """``3 reproduced, 1 inconclusive``; empty if there are no claims."""
        counts = self.verdicts["verdict"].value_counts(sort=False)
        return ", ".join(f"{count} {verdict}" for verdict, count in counts.items())

    @property
    def files(self) -> list[Path]:
        """All files, pages first."""
        figures = [file for drawn in self.figures for file in (drawn.svg, drawn.png)]
        return [*(page for each in self.pages.values() for page in each), *figures, *self.frames]


def write_report(
    store: Store,
    suite: str,
    formats: Sequence[str] = FORMATS,
    selection: Selection | None = None,
) -> Report:
    """Write a suite's tables, figures and pages into its folder, from its records, in each of
    ``formats`` (``html``, ``markdown``, ``latex``, ``csv``).

    ``selection``: the cells to show, in a separate folder; claims are judged on all cells.

    Raises FileNotFoundError if the suite has no records.
    """
    folder = store.suite(suite)
    plan = folder.plan()
    specs = {cell["variant"]: cell["spec"] for cell in plan["cells"]}
    selection = selection or select([(cell["variant"], cell["seed"]) for cell in plan["cells"]])
    loaded = load_all(store.root, suite)
    claims = [claim_of(**claim) for claim in plan["claims"]]
    ensembles = load_ensembles(store, suite, claims)
    samples = pd.concat([with_values_at(loaded, claims), ensembles])
    looks = Looks.model_validate(plan["looks"]) if plan.get("looks") else None
    judged = judge(claims, samples, specs, looks)
    verdicts = [each for each in judged if selection.variants.issuperset(each.claim.variants)]
    by_look = look_tables(judged, loaded.runs, specs, looks) if looks else {}
    # From here on, only what is shown; a part never replaces the whole suite's report.
    path = folder.path / "selected" / selection.name if selection.words else folder.path
    specs = {variant: spec for variant, spec in specs.items() if variant in selection.variants}
    runs, curves, layers = (shown(frame, selection) for frame in vars(loaded).values())
    together = [name for verdict in verdicts for name in verdict.claim.compared]
    written = tables.write_frames(
        path,
        {
            **{"runs": runs, "curves": curves, "layers": layers},
            "ensembles": shown(ensembles, selection, together),
        },
    )
    frames = {
        "verdicts": verdict_table(verdicts),
        "tests": finding_table(verdicts),
        "published": published_table(verdicts, samples),
        "variants": tables.variants_table(runs),
        **by_look,
    }
    variants = frames["variants"]
    departing = {variant: list(map(told, departures(spec))) for variant, spec in specs.items()}
    levels = published_levels(specs)
    problems: list[str] = []

    def failed(what: str, error: Exception) -> None:
        problems.append(f"{what}: {one_line(error)}")

    gone = runs[runs["status"] == Status.UNREADABLE]
    for variant, seed, why in zip(gone["variant"], gone["seed"], gone["reason"], strict=True):
        problems.append(f"{variant}/seed{seed}: {why}")
    readable = runs[runs["status"] != Status.UNREADABLE]
    pictures = None
    try:
        pictures = gallery(store, runs)
    except RecordsError as error:
        failed("the figure detections", error)
    drawn = draw_figures(
        *(runs, curves, layers, levels, path / "figures", pictures),
        lambda name, error: failed(f"the figure {name}", error),
    )
    compared = _compared(store, readable)
    metrics = [metric for metric, _ in by_metric(runs)]
    title = f"{' and '.join(each.label for each in metrics)} in percent after the last epoch"
    in_full = variants.assign(departures=["; ".join(departing[v]) for v in variants["variant"]])
    facts = {
        "suite": suite,
        "source": plan["source"],
        "scope": [*scope_of(plan, selection), *_told_of(looks)],
        "note": subset_note(specs),
        **{name: Table(frame) for name, frame in frames.items()},
        "in_print": Table(variants[[name for name in _IN_PRINT if name in variants]]),
        "runs": Table(tables.runs_table(runs, compared)),
        "departures": by_phrase(departing),
        "left_open": by_variants({variant: left_open(spec) for variant, spec in specs.items()}),
        "environments": tables.environments(readable, store),
        "figures": drawn,
        "frames": frames | {"variants": in_full},
        "captions": _CAPTIONS | {"variants": f"{title[0].upper()}{title[1:]}, by variant."},
        "of_errors": ERROR in metrics,
        "of_precisions": AP in metrics,
        "sections": _sections({held for spec in specs.values() if (held := section(spec))}),
    }
    written_pages = {}
    for name in formats:
        try:
            written_pages[name] = pages.write(path, name, facts)
        except OSError:  # A disk error: the other pages would fail too.
            raise
        except Exception as error:  # Anything that a template raises for one page.
            failed(f"the report as {name}", error)
    return Report(
        written_pages,
        drawn,
        written,
        variants,
        frames["verdicts"],
        pages.note(facts),
        title,
        compared,
        problems,
    )


def _compared(store: Store, runs: pd.DataFrame) -> dict[str, Compared]:
    reference = reference_for(store)
    found = {run: compared_with(reference, store.run(run)) for run in runs["run_id"].unique()}
    return {run: compared for run, compared in found.items() if compared}


_CAPTIONS = {
    "verdicts": "The claims, and how they stand.",
    "tests": "The tests behind the verdicts.",
    "published": "Published and measured.",
    "looks": "What each look decided, and the runs that it took.",
    "look_tests": "The claims at each look.",
}

_IN_PRINT = (
    *("variant", "runs", "diverged", "mean", "sd", "min", "max", "train error"),
    *("AP", "AP sd", "AP min", "AP max", "AP50", "AP75", "mAP"),
)
"""Columns of the table of variants that fit on a printed page."""


def _told_of(looks: Looks | None) -> list[str]:
    if looks is None:
        return []
    *some, last = looks.looks
    numbers = f"{', '.join(map(str, some))} and {last}"
    return [
        f"Looks after {numbers} seeds per variant, at a level of {100 * looks.level:g} % for all "
        "looks together (spent as by Pocock's bounds). Variants without an undecided claim are "
        "not trained further."
    ]


def _sections(names: set[str]) -> str:
    """Return ``section 3.4 and 4.2``, ``appendix A``, or nothing for images not in the paper."""
    text = " and ".join(sorted(names))
    return text if not text or text.startswith("appendix") else f"section {text}"


def subset_note(specs: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Return a warning that errors are not comparable with the paper's if variants use the embedded
    part of CIFAR-10, otherwise None. ``specs``: variant -> its spec as plain data."""
    subset = {
        variant: CifarSpec.model_validate(spec["dataset"])
        for variant, spec in specs.items()
        if spec["dataset"]["name"] == "cifar10-subset"
    }
    if not subset:
        return None
    trained = [dataset.train_images for dataset in subset.values()]
    scored = [dataset.test_images for dataset in subset.values()]
    which = "" if len(subset) == len(specs) else f" ({', '.join(subset)})"
    return (
        f"Trained on {_numbers(trained)} and scored on {_numbers(scored)} "
        f"images of the embedded tenth of CIFAR-10{which}. These errors are not comparable with "
        "the paper's, which are for the full data set; and the error of one run on "
        f"{min(scored):,} images has a standard error of up to {50 / math.sqrt(min(scored)):.1f} "
        "points, so small differences between single runs say nothing."
    )


def _numbers(numbers: Iterable[int]) -> str:
    return " or ".join(f"{number:,}" for number in sorted(set(numbers)))

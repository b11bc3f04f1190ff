"""Text of users in figures and pages: it is shown as it is, and costs no report."""

import re
import warnings
from html import unescape

import matplotlib
import numpy as np
import pytest
from conftest import bench_alone
from made_records import made_cell, made_suite, record

from benchmark.records.store import Store
from benchmark.report import pages
from benchmark.report.figures import drawn
from benchmark.report.figures.detections import Gallery, Picture, draw_detections
from benchmark.report.figures.style import blank, keep
from benchmark.report.pages import markdown_cell
from benchmark.report.suite_report import write_report

NAMES = (
    "a$b$c",
    "$\\frac{$",
    "\\alpha^_",
    "<b>&amp;",
    "猫 \U0001f408",
    "\ud83d half",
    "\x01\x1b[1m",
)
HOSTILE = "$\\frac{ <script>x</script> *a* `b` [c](http://d) _e_ | ~~f~~ &lt; 50 % #1 {g} ^ – 猫"


@pytest.fixture
def suite(tmp_path):
    """Records of two nets, and a claim in a user's words; with what a report needs."""
    store = Store(tmp_path / "results")
    cells = [made_cell(shortcut=kind, seed=seed) for kind in ("A", "none") for seed in (0, 1)]
    for cell in cells:
        record(store, cell, final_error_percent=9.0 + cell.seed + (cell.variant == "plain20"))
    claim = {"statement": HOSTILE, "variant": "resnet20", "against": "plain20"}
    made_suite(store, "mine", cells, [claim | {"direction": "lower"}])
    return store


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("usetex", [False, True])
def test_names_of_classes_are_drawn_as_they_are(tmp_path, name, usetex):
    pixels, box, label = np.zeros((8, 8, 3), np.uint8), np.array([[1, 1, 5, 5]]), np.array([0])
    picture = Picture(pixels, box, label, box, np.array([0.9]), label, name)
    with matplotlib.rc_context({"text.usetex": usetex}), warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw_detections(Gallery([picture], 1, [name]))
        files = keep(figure, tmp_path, "detections")
    assert all(file.stat().st_size for file in files)
    if name == "a$b$c":  # The SVG tells which text its paths are of.
        assert "a$b$c 0.90" in files[0].read_text("utf-8")


def test_the_numbers_of_a_logarithmic_axis_stay_powers(tmp_path):
    figure, (panel,) = blank(1, 1, 3, 3)
    panel.plot([1, 1e6], [1, 2])
    panel.set(xscale="log", xlabel="$x$")
    svg = keep(figure, tmp_path, "log")[0].read_text("utf-8")
    assert "$x$" in svg and "\\mathdefault" in svg


def test_a_claim_in_any_words_is_told_as_it_is(suite):
    written = write_report(suite, "mine", ["html", "markdown", "latex", "csv"])
    assert not written.problems
    (html,), (markdown,), (latex,) = (written.pages[name] for name in ("html", "markdown", "latex"))
    told = html.read_text("utf-8")
    assert "<script>" not in told and HOSTILE in unescape(told)
    told = markdown.read_text("utf-8")
    assert (
        "\\<script>" in told and "\\$\\\\frac{" in told and "](" not in re.sub(r"!\[.*", "", told)
    )
    told = latex.read_text("utf-8")
    assert "\\$\\textbackslash{}frac\\{" in told and "50 \\% \\#1 \\{g\\}" in told


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("learning_rate 0.1 < 0.2, [0.1, 0.5]", "learning_rate 0.1 < 0.2, [0.1, 0.5]"),
        ("_a_ *b* `c` $d$", "\\_a\\_ \\*b\\* \\`c\\` \\$d\\$"),
        ("<b> a|b [x](y) &lt;", "\\<b> a\\|b [x]\\(y) \\&lt;"),
        ("a\\", "a\\\\"),
    ],
)
def test_only_what_marks_up_is_escaped_in_markdown(text, wanted):
    assert markdown_cell(text) == wanted


def test_a_figure_that_cannot_be_made_costs_no_other_and_is_told(suite, monkeypatch):
    def fail(*_):
        raise ArithmeticError("no")

    whole = {figure.svg.stem for figure in write_report(suite, "mine").figures}
    monkeypatch.setattr(drawn, "draw_seeds", fail)
    written = write_report(suite, "mine")
    assert {figure.svg.stem for figure in written.figures} == whole - {"seeds"}
    assert [("seeds" in each, "ArithmeticError" in each) for each in written.problems] == [
        (True, True)
    ]
    assert not (suite.suite("mine").path / "figures" / "seeds.svg").exists()
    assert set(written.pages) == {"html", "markdown"}


def test_a_page_that_cannot_be_made_costs_no_other_and_is_told(suite, monkeypatch):
    def fail(*_):
        raise ArithmeticError("no")

    monkeypatch.setattr(pages, "_inline", fail)  # Only HTML holds its figures.
    written = write_report(suite, "mine")
    assert set(written.pages) == {"markdown"}
    assert len(written.problems) == 1 and "html" in written.problems[0]


@pytest.mark.parametrize(
    "locale",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["ascii", "latin-1", "C"],
)
def test_an_output_of_another_encoding_ends_no_command(suite, locale):
    done = bench_alone("report", "mine", "--results", suite.root, **locale)
    assert done.returncode == 0, done.stderr
    assert "report.html" in done.stdout and (suite.suite("mine").path / "report.html").exists()

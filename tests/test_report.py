import shutil
import subprocess
import sys
from html.parser import HTMLParser

import pandas as pd
import pytest
from conftest import TINY_SUITE, bench
from made_records import made_cell, record

from benchmark.paper import PUBLISHED, departures
from benchmark.records import Store
from benchmark.records.result import summarize
from benchmark.report.pages import cell_text, markdown_cell
from benchmark.report.phrases import by_phrase, by_variants
from benchmark.report.suite_report import subset_note, write_report
from benchmark.report.tables import environments, runs_table, variants_table
from benchmark.spec import RunSpec
from benchmark.suite import load_suite
from benchmark.suite.selection import select


def run_row(variant, seed, error, status="finished"):
    return {
        "variant": variant,
        "seed": seed,
        "status": status,
        "final_error_percent": error,
        "best_error_percent": None if error is None else error - 1,
        "final_train_error_percent": 1.0,
        "parameters": 100,
        "images_per_s": 10.0,
        "wall_time_s": 5.0,
    }


def test_variants_are_summed_up():
    runs = pd.DataFrame([run_row("a", seed, error) for seed, error in enumerate((6.0, 7.0, 8.0))])
    row = variants_table(runs).iloc[0]
    assert (row["runs"], row["mean"], row["sd"], row["min"], row["max"]) == (
        "3 of 3",
        7.0,
        1.0,
        6.0,
        8.0,
    )
    assert row["best epoch"] == 5.0


def test_a_diverged_run_is_never_averaged_away():
    runs = [run_row("a", 0, 6.0), run_row("a", 1, None, "diverged"), run_row("b", 0, 9.0)]
    table = variants_table(pd.DataFrame(runs)).set_index("variant")
    assert table.loc["a", "runs"] == "1 of 2"
    assert table.loc["a", "diverged"] == 1
    assert pd.isna(table.loc["a", "mean"]) and pd.isna(table.loc["a", "max"])
    assert table.loc["b", "mean"] == 9.0


def test_planned_and_failed_runs_have_a_row_and_no_numbers():
    runs = [run_row("a", 0, None, "failed"), {"variant": "b", "seed": 0, "status": "planned"}]
    table = variants_table(pd.DataFrame(runs))
    assert list(table["runs"]) == ["0 of 1", "0 of 1"]
    assert table["mean"].isna().all()


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [("mean", 6.4321, "6.43"), ("parameters", 269722.0, "269,722"), ("sd", float("nan"), "–")],
)
def test_cells(column, value, text):
    assert cell_text(column, value) == text


def paper_run(**changes):
    data = {
        "dataset": {"name": "cifar10"},
        "model": {"stem": "cifar", "depth": 20, "shortcut": "A"},
        "seed": 0,
    }
    for part, fields in changes.items():
        data[part] = {**data.get(part, {}), **fields}
    return RunSpec.model_validate(data).model_dump(mode="json")


WARMUP = {"learning_rate": 0.01, "until_train_error_percent": 80.0}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": {"shortcut": "none"}},
        {"model": {"zero_pad": "both"}},
        {"dataset": {"held_out_images": 5000}},
        {"model": {"depth": 110}, "schedule": {"warmup": WARMUP}},
        {"model": {"depth": 1202}},
    ],
)
def test_the_papers_own_runs_do_not_depart_from_it(changes):
    assert departures(paper_run(**changes)) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"dataset": {"name": "cifar10-subset"}}, "dataset.name"),
        ({"model": {"shortcut": "B"}}, "model.shortcut"),
        ({"model": {"batch_norm": None}}, "model.batch_norm"),
        ({"model": {"dropout_rate": 0.5}}, "model.dropout_rate"),
        ({"model": {"depth": 110}}, "schedule.warmup"),
        ({"schedule": {"warmup": WARMUP}}, "schedule.warmup"),
        ({"schedule": {"iterations": 1000}}, "schedule.iterations"),
        ({"optimizer": {"weight_decay_form": "decoupled"}}, "optimizer.weight_decay_form"),
        ({"numerics": {"precision": "mixed_bfloat16"}}, "numerics.precision"),
    ],
)
def test_departures_are_named(changes, field):
    found = departures(paper_run(**changes))
    assert field in [each.field for each in found]


def test_published_numbers_say_how_they_were_selected():
    mean = PUBLISHED["table6/ResNet-110/test_error_percent"]
    best = PUBLISHED["table6/ResNet-110/best_test_error_percent"]
    assert (mean.value, mean.sd, mean.n, mean.selection) == (6.61, 0.16, 5, "mean of 5 runs")
    assert (best.value, best.n, best.selection) == (6.43, 5, "best of 5 runs")
    assert not any("plain" in key for key in PUBLISHED if key.startswith("table6"))


def test_where_runs_were_made_is_told_run_by_run_unless_it_is_one_place(tmp_path):
    store = Store(tmp_path)
    cells = [made_cell(variant, seed=seed) for variant in ("a", "b") for seed in (0, 1)]
    for cell in cells:
        record(store, cell)
    runs = pd.DataFrame(
        [
            {"variant": cell.variant, "seed": cell.seed, "run_id": cell.run_id, "device": "CPU"}
            for cell in cells
        ]
    )
    (which,) = environments(runs, store).values()
    assert which == ""
    path = store.run(cells[1]).path / "provenance.json"
    path.write_text(path.read_text().replace("made-up", "another"))
    told = environments(runs, store)
    assert list(told.values()) == ["a (seed 0); b (seed 0)", "a (seed 1); b (seed 1)"]
    assert ["another" in line for line in told] == [False, True]


def test_a_run_that_went_on_elsewhere_says_so():
    rows = [run_row("a", 0, 6.0), run_row("a", 1, None, "failed") | {"reason": "no disk space"}]
    rows = [row | {"run_id": "x", "environments_mixed": mixed} for row in rows for mixed in (1, 0)]
    frame = pd.DataFrame(rows).astype({"environments_mixed": bool})
    told = list(runs_table(frame)["reason"])
    assert "another machine" in told[0]
    assert told[1:] == ["", "no disk space", "no disk space"]


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.loads = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [v for k, v in attrs if k in ("src", "href") and not v.startswith("#")]


def test_the_report_says_what_was_run(ran):
    report = write_report(Store(ran.results), "tiny")
    markdown, html = (report.pages[name][0].read_text() for name in ("markdown", "html"))
    for text in (markdown, html):
        assert "not comparable with the paper" in text
        for part in ("resnet6", "plain6", "diverged", "Departures", "Residual is better."):
            assert part in text
    assert "| resnet6 | 1 of 1 | 0 |" in markdown
    assert "figures/curves.svg" in markdown
    assert report.figures[0].svg.exists() and report.figures[0].png.stat().st_size > 10_000


def test_the_html_needs_no_other_file(ran):
    html = (ran.results / "tiny" / "report.html").read_text()
    page = Page(html)
    assert page.loads == []
    assert "svg" in page.tags and "table" in page.tags and "script" not in page.tags
    assert "<?xml" not in html


def test_names_from_records_are_escaped(ran, tmp_path):
    shutil.copytree(ran.results, tmp_path / "results")
    plan = tmp_path / "results" / "tiny" / "plan.json"
    plan.write_text(plan.read_text().replace("the tests' own", "<script>alert(1)</script>"))
    report = write_report(Store(tmp_path / "results"), "tiny")
    assert "<script>" not in report.pages["html"][0].read_text()


def test_runs_that_never_began_depart_from_the_paper_too(ran, tmp_path):
    shutil.copytree(ran.results / "tiny", tmp_path / "tiny")
    markdown = write_report(Store(tmp_path), "tiny").pages["markdown"][0].read_text()
    assert "0 of 1" in markdown
    assert "dataset.name is cifar10-subset" in markdown and "not comparable" in markdown


def dataset(name="cifar10-subset", **fields):
    return {"dataset": {"kind": "cifar", "name": name, **fields}}


def test_the_note_on_the_subset_says_what_was_used():
    note = subset_note({"a": dataset(), "b": dataset()})
    assert "Trained on 5,000 and scored on 1,000 images" in note and "1.6 points" in note
    note = subset_note({"a": dataset(held_out_images=500)})
    assert "Trained on 4,500 and scored on 1,000 images" in note and "1.6 points" in note
    note = subset_note({"a": dataset(only_classes=[3, 1], train_per_class=7), "b": dataset()})
    assert "Trained on 14 or 5,000 and scored on 200 or 1,000 images" in note
    assert "3.5 points" in note
    note = subset_note({"a": dataset(), "b": dataset(name="cifar10")})
    assert "tenth of CIFAR-10 (a)" in note
    assert subset_note({"a": dataset(name="cifar10")}) is None


def test_a_cell_of_markdown_stays_one_cell():
    assert markdown_cell("a | b\n# c") == "a \\| b # c"


def test_the_report_loads_no_tensorflow(ran):
    code = (
        "import sys; from pathlib import Path; from benchmark.records import Store\n"
        "from benchmark.report.suite_report import write_report\n"
        f"write_report(Store(Path({str(ran.results)!r})), 'tiny')\n"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_formats_that_are_asked_for_are_written(ran, tmp_path):
    shutil.copytree(ran.results, tmp_path / "results")
    folder = tmp_path / "results" / "tiny"
    (folder / "report.html").unlink()
    done = bench("report", "tiny", "--results", folder.parent, "--format=latex", "--format=csv")
    assert done.returncode == 0, done.stderr
    assert "report.tex" in done.stdout and not (folder / "report.html").exists()
    tex = (folder / "report.tex").read_text()
    assert "\\toprule" in tex and "resnet6 & 1 of 1" in tex and "figures/curves" in tex
    assert tex.count("\\begin{tabular}") == tex.count("\\end{tabular}") == 2
    variants = pd.read_csv(folder / "variants.csv")
    assert list(variants["variant"]) == ["resnet6", "plain6", "diverges"]
    assert "not comparable" in (folder / "verdicts.csv").read_text()
    refused = bench("report", "tiny", "--results", folder.parent, "--format=docx")
    assert refused.returncode == 2 and "docx" in refused.stderr


def test_a_selection_is_reported_though_a_server_is_in_the_environment(ran, tmp_path):
    shutil.copytree(ran.results, tmp_path / "results")
    words = ["report", "tiny", "--results", tmp_path / "results", "--only", "resnet6"]
    uri = "http://127.0.0.1:9"
    done = bench(*words, MLFLOW_TRACKING_URI=uri)
    assert done.returncode == 0 and "selected" in done.stdout, done.stderr
    refused = bench(*words, "--tracking-uri", uri)
    assert refused.returncode == 2 and uri in refused.stderr


def test_a_selection_of_seeds_changes_no_verdict(tmp_path):
    """Nobody can choose the seeds that agree with a claim."""
    suite = tmp_path / "tiny.yaml"
    text = TINY_SUITE.replace("seeds: [0]", "seeds: [0, 1, 2, 3]").replace(
        "cifar10-subset", "cifar10"
    )
    suite.write_text(
        text.replace("lower}", "lower, departs_in: [dataset, model, optimizer, schedule]}")
    )
    loaded, store = load_suite(suite), Store(tmp_path / "results")
    store.suite("tiny").save_plan(loaded)
    for cell in loaded.plan.cells:
        # In seed 0 alone, and only there, the residual net is the worse one.
        better = (cell.variant == "resnet6") != (cell.seed == 0)
        measured = {"final_error_percent": (10.0 if better else 20.0) + cell.seed / 10}
        store.run(cell).prepare(cell.spec)
        store.run(cell).end(summarize([], "finished") | measured)
    whole = write_report(store, "tiny", ["csv"])
    cells = [(cell.variant, cell.seed) for cell in loaded.plan.cells]
    part = write_report(store, "tiny", ["csv"], select(cells, ["resnet6", "plain6"], "1-3"))
    assert len(whole.verdicts) == 1
    assert part.verdicts.equals(whole.verdicts)
    means = part.variants.set_index("variant")["mean"]
    assert means.to_dict() == pytest.approx({"resnet6": 10.2, "plain6": 20.2})
    assert set(part.variants["runs"]) == {"3 of 3"}
    assert not {file.parent for file in part.files} & {file.parent for file in whole.files}
    alone = write_report(store, "tiny", ["csv"], select(cells, ["resnet6"], "1-3"))
    assert alone.verdicts.empty


def test_variants_of_which_the_same_is_true_share_a_line():
    told = {"a": ["x", "y"], "b": ["x"], "c": ["x", "y"]}
    assert by_phrase(told) == ["x", "y (a, c)"]
    assert by_variants(told) == ["x", "a, c: y"]

"""What is told of detectors: tables, figures, pictures, pages, and MLflow's copy."""

import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from detection_records import (
    IDS,
    PASTED,
    classifier_epochs,
    classifier_spec,
    detector_epochs,
    detector_spec,
    made_up,
    plan,
    record,
)

from benchmark.data.detection.pasted import example
from benchmark.evaluation.boxes.detections import first_from_json, from_json
from benchmark.records import Store, load_curves, load_runs
from benchmark.records.detection_images import load_shown, save_shown
from benchmark.records.problems import RecordsError
from benchmark.report.detection_images import IMAGES, gallery
from benchmark.report.figures.precisions import draw_precisions
from benchmark.report.figures.style import looks
from benchmark.report.pages import cell_text
from benchmark.report.suite_report import write_report
from benchmark.report.tables import runs_table, variants_table
from benchmark.report.values import by_metric
from benchmark.tracking.mlflow_mirror import MlflowMirror
from benchmark.tracking.server import client_of, suite_links

ERRORS = {"mean", "sd", "min", "max", "best epoch", "train error"}
PRECISIONS = {"AP", "AP sd", "AP min", "AP max", "AP50", "AP75"}


@pytest.fixture(scope="module")
def detectors(tmp_path_factory):
    """The results of two detectors with three seeds."""
    return made_up(tmp_path_factory.mktemp("detectors"))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """The same on VOC's images, with a classifier."""
    folder = tmp_path_factory.mktemp("mixed")
    return made_up(folder, classifiers=True, name="voc0712", test_map_percent=50.0)


@pytest.fixture
def copied(detectors, tmp_path):
    shutil.copytree(detectors.root, tmp_path / "results")
    return Store(tmp_path / "results")


def test_the_table_of_detectors_has_precisions_and_no_errors(detectors):
    table = variants_table(load_runs(detectors.root)).set_index("variant")
    assert set(table) >= PRECISIONS and not set(table) & (ERRORS | {"mAP"})
    row = table.loc["rcnn-101"]
    found = [row[name] for name in ("AP", "AP sd", "AP min", "AP max", "AP50")]
    assert found == pytest.approx([27.2, 0.1, 27.1, 27.3, 1.8 * 27.2])
    each = runs_table(load_runs(detectors.root))
    assert {"AP", "AP50", "AP75"} < set(each) and not {"final error", "mAP"} & set(each)


def test_a_mixed_suites_table_has_both(mixed):
    table = variants_table(load_runs(mixed.root)).set_index("variant")
    assert set(table) >= PRECISIONS | ERRORS | {"mAP"}
    assert table.loc["resnet20", "mean"] == pytest.approx(9.1)
    assert table.loc["rcnn-50", "mAP"] == 50.0
    assert pd.isna(table.loc["resnet20", "AP"]) and pd.isna(table.loc["rcnn-50", "mean"])
    assert {"final error", "AP", "mAP"} < set(runs_table(load_runs(mixed.root)))


def test_a_detector_that_diverged_is_never_averaged_away(tmp_path):
    store, spec = Store(tmp_path), detector_spec()
    record(store, 0, spec, detector_epochs(20.0))
    record(store, 1, spec, detector_epochs(30.0, epochs=1), "diverged")
    plan(store, "detects", [("a", 0, 0, spec), ("a", 1, 1, spec), ("b", 0, 2, spec)])
    table = variants_table(load_runs(tmp_path)).set_index("variant")
    assert table.loc["a", "diverged"] == 1 and table.loc["a", "AP max"] == pytest.approx(20.0)
    assert table.loc["a", ["AP", "AP sd", "AP min", "AP50", "AP75"]].isna().all()
    assert table.loc["b", "runs"] == "0 of 1"


def test_classifiers_tables_know_nothing_of_precisions(tmp_path):
    store, spec = Store(tmp_path), classifier_spec()
    record(store, 0, spec, classifier_epochs(9.0))
    plan(store, "sorts", [("a", 0, 0, spec)])
    runs = load_runs(tmp_path)
    assert [metric.label for metric, _ in by_metric(runs)] == ["error"]
    assert not PRECISIONS & ({*variants_table(runs)} | {*runs_table(runs)})
    assert [metric.label for metric, _ in by_metric(runs[:0])] == ["error"]


def test_curves_have_the_losses_and_precisions_of_detectors(detectors, tmp_path):
    curves = load_curves(detectors.root)
    assert curves["train_boxes_loss"].notna().all() and curves["test_error_percent"].isna().all()
    assert {"test_ap_percent", "test_ap50_percent"} <= set(load_curves(tmp_path))


@pytest.mark.parametrize(("rate", "text"), [(0.4321, "0.43"), (9.7, "9.7"), (397.2, "397")])
def test_slow_rates_are_not_rounded_to_nothing(rate, text):
    assert cell_text("images/s", rate) == text


def test_precisions_are_bold_and_dashed_with_the_loss_beside_them():
    rows = [{"variant": "a", "run_id": "a0", **row} for row in detector_epochs(20.0, epochs=3)]
    rows[0] |= {"test_ap_percent": None, "test_ap50_percent": None}  # Not scored.
    scored, trained = draw_precisions(pd.DataFrame(rows), looks(["a"]), {"a": 27.2}).axes
    dashed, bold, level = scored.lines
    assert [dashed.get_linestyle(), level.get_ydata()[0]] == ["--", 27.2]
    assert list(bold.get_xdata()) == [100, 150] and bold.get_ydata()[-1] == pytest.approx(20.0)
    assert list(trained.lines[0].get_xdata()) == [50, 100, 150]
    assert [text.get_text() for text in trained.get_legend().get_texts()] == ["a (paper: 27.2)"]


def test_a_report_of_detectors_shows_what_they_found(detectors):
    report = write_report(detectors, "detects", ["html", "markdown", "latex", "csv"])
    names = [figure.svg.stem for figure in report.figures]
    assert names == ["curves-ap", "seeds-ap", "costs-ap", "detections"]
    assert report.title == "AP in percent after the last epoch"
    for file in ("report.md", "report.html"):
        text = (detectors.root / "detects" / file).read_text()
        assert "AP is COCO's average precision" in text
        assert "best epoch" not in text and "nothing to compare with" in text
    tex = (detectors.root / "detects" / "report.tex").read_text()
    assert "AP in percent after the last epoch, by variant." in tex and "AP sd & AP min" in tex


def test_a_mixed_report_tells_each_kind_by_its_measure(mixed):
    report = write_report(mixed, "detects")
    names = [figure.svg.stem for figure in report.figures]
    kinds = ["curves", "curves-ap", "seeds", "seeds-ap", "costs-ap", "detections"]
    assert names == kinds
    assert report.title == "error and AP in percent after the last epoch"
    text = (mixed.root / "detects" / "report.md").read_text()
    assert 'last epoch. "best epoch" is the lowest' in text and "AP is COCO's average" in text
    assert "augmented mini-batches.\n\nAP is" in text


def test_figures_of_an_earlier_report_are_deleted(copied):
    write_report(copied, "detects")
    figures = copied.root / "detects" / "figures"
    assert (figures / "detections.png").exists()
    for run in copied.root.glob("runs/*/shown.npz"):
        run.unlink()
    assert "detections" not in [f.svg.stem for f in write_report(copied, "detects").figures]
    assert not (figures / "detections.png").exists() and (figures / "seeds-ap.png").exists()


def test_the_report_of_detectors_loads_no_tensorflow(copied):
    code = (
        "import sys; from pathlib import Path; from benchmark.records import Store\n"
        "from benchmark.report.suite_report import write_report\n"
        f"write_report(Store(Path({str(copied.root)!r})), 'detects')\n"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_pictures_are_of_the_first_seed_that_finished(copied):
    drawn = gallery(copied, load_runs(copied.root))
    titles = [picture.title for picture in drawn.pictures]
    names = [f"{variant}: image {i}" for variant in ("rcnn-50", "rcnn-101") for i in IDS[:IMAGES]]
    assert titles == names and drawn.columns == IMAGES
    runs = load_runs(copied.root)
    kept = from_json(copied.run("0" * 16).detections.read_text())
    np.testing.assert_array_equal(drawn.pictures[1].boxes, kept[1].boxes)
    runs.loc[runs["run_id"] == "0" * 16, "status"] = "diverged"
    kept = from_json(copied.run(f"{2:016x}").detections.read_text())
    np.testing.assert_array_equal(gallery(copied, runs).pictures[1].boxes, kept[1].boxes)
    assert gallery(copied, runs.assign(status="planned")) is None


def test_variants_of_other_classes_are_told_apart_and_crowds_left_out(copied):
    run = copied.run(f"{1:016x}")
    shown = load_shown(run)
    crowds = [np.ones_like(each) for each in shown.crowds]
    names = [f"other {name}" for name in shown.classes]
    save_shown(run, replace(shown, crowds=crowds, classes=names))
    drawn = gallery(copied, load_runs(copied.root))
    first, second = drawn.pictures[0], drawn.pictures[IMAGES]
    assert len(first.true_boxes) == len(example(PASTED, "test", 0).boxes)
    assert not len(second.true_boxes)
    assert not drawn.classes[first.labels[0]].startswith("other")
    assert drawn.classes[second.labels[0]].startswith("other")


def test_detections_that_are_torn_are_told(copied):
    file = copied.run("0" * 16).detections
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:3]))
    with pytest.raises(RecordsError, match=r"detections\.json: detections must be of images"):
        gallery(copied, load_runs(copied.root))


def test_the_first_detections_are_read_and_no_more(detectors):
    text = detectors.run("0" * 16).detections.read_text()
    lines = iter(text.splitlines(keepends=True))
    found = first_from_json(lines, [2, 0])
    assert [each.image_id for each in found] == [2, 0] and len(list(lines)) == 6
    with pytest.raises(ValueError, match="must be of images"):
        first_from_json(text.splitlines(), [99])


def test_mlflow_has_a_detectors_metrics_what_it_found_and_the_best_first(mixed, tmp_path):
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    store = Store(tmp_path / "results")
    shutil.copytree(mixed.root, store.root)
    sorts = classifier_spec()
    record(store, 99, sorts, classifier_epochs(9.0))
    plan(store, "sorts", [("a", 0, 99, sorts)])
    for suite in ("detects", "sorts"):
        mirror = MlflowMirror(store, suite, uri)
        for cell in store.suite(suite).plan()["cells"]:
            mirror.mirror(cell)
    client = client_of(uri)
    experiment = client.get_experiment_by_name("detects").experiment_id
    (child,) = client.search_runs([experiment], "attributes.run_name = 'rcnn-101/seed2'")
    metrics = child.data.metrics
    assert metrics["test_ap_percent"] == pytest.approx(27.3)
    assert {"test_map_percent", "train_objectness_loss", "train_boxes_loss"} <= set(metrics)
    assert "test_ap_small_percent" not in metrics and "best_epoch" not in child.data.tags
    kept = {artifact.path for artifact in client.list_artifacts(child.info.run_id)}
    assert kept == {"spec.json", "journal.jsonl", "detections.json"}
    links = suite_links(uri, "http://here")
    assert "test_ap_percent%60&orderByAsc=false" in links["detects"]
    assert "test_error_percent%60&orderByAsc=true" in links["sorts"]


def test_pictures_come_with_the_report(detectors):
    files = {path.name for path in write_report(detectors, "detects").files}
    assert {"detections.svg", "detections.png", "curves-ap.png"} <= files

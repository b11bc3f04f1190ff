"""--quiet and --verbose: what is printed, and where."""

import logging
from pathlib import Path

import pytest
from made_records import made_cell, made_suite, record
from typer.testing import CliRunner

from benchmark.cli import app
from benchmark.commands import run as command
from benchmark.records.store import Store


@pytest.fixture(autouse=True)
def log():
    """The project's logger, as it was afterwards."""
    found = [logging.getLogger(f"resnet_bench{part}") for part in ("", ".runs")]
    before = [(each, each.level, list(each.handlers)) for each in found]
    yield found[0]
    for each, level, handlers in before:
        each.setLevel(level)
        each.handlers[:] = handlers


@pytest.fixture
def results(tmp_path):
    """Records of a suite with a claim."""
    store = Store(tmp_path / "results")
    cells = [made_cell(shortcut=kind, seed=seed) for kind in ("A", "none") for seed in (0, 1)]
    for cell in cells:
        record(store, cell, final_error_percent=9.0 + cell.seed)
    claim = {"statement": "Deep.", "variant": "resnet20", "against": "plain20"}
    made_suite(store, "mine", cells, [claim | {"direction": "lower"}])
    return store.root


def called(*words):
    done = CliRunner().invoke(app, list(map(str, words)))
    assert done.exit_code == 0, done.output
    return done


def test_quiet_leaves_verdicts_and_where_the_report_is(results):
    whole = called("report", "mine", "--results", results).stdout.splitlines()
    for words in (["-q", "report", "mine"], ["report", "mine", "--quiet"]):
        lines = called(*words, "--results", results).stdout.splitlines()
        pages = [line for line in lines if Path(line.split()[-1]).stem == "report"]
        verdicts = [line for line in lines if "Deep." in line]
        assert pages and verdicts and lines == [*verdicts, *pages]
        assert set(lines) < set(whole)
    assert Path(pages[0].split()[-1]).is_file()


def test_quiet_says_what_went_wrong(tmp_path):
    done = CliRunner().invoke(app, ["report", "mine", "--quiet", "--results", str(tmp_path)])
    assert done.exit_code == 2 and "mine" in done.stderr and not done.stdout


@pytest.mark.parametrize(("words", "told"), [([], True), (["--quiet"], False)])
def test_a_quiet_run_is_told_to_nobody(monkeypatch, words, told):
    asked = {}

    def run_suite(*_, **options):
        asked.update(options)
        raise KeyboardInterrupt

    monkeypatch.setattr("benchmark.running.run_suite.run_suite", run_suite)
    done = CliRunner().invoke(app, ["run", "quickstart", *words])
    assert done.exit_code == command.INTERRUPTED
    assert (asked["say"] is not None) == told
    assert "resnet-bench run" in done.stdout  # What goes on is said in any case.


@pytest.mark.parametrize("words", [["-v", "list"], ["list", "--verbose"]])
def test_verbose_logs_to_standard_error(log, words):
    def message(logger):
        logging.getLogger(logger).debug("a word of %s", logger)

    with CliRunner().isolation() as (out, err, _):
        app(words, standalone_mode=False)
        message("resnet_bench.runs")
        message("elsewhere")
        assert b"a word of resnet_bench.runs" in err.getvalue()
        assert b"a word" not in out.getvalue() and b"elsewhere" not in err.getvalue()
        app(["list"], standalone_mode=False)  # The next command logs what it is asked to.
        message("resnet_bench.runs")
        assert err.getvalue().count(b"a word") == 1
    assert log.handlers == []

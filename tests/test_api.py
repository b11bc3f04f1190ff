"""What a program may use: the public names, and a suite run from Python."""

import subprocess
import sys

import pytest
from conftest import TINY_SUITE

import benchmark
from benchmark import InputError, Where, load_runs, plan, run_suite


def test_public_names_are_there_and_load_nothing_heavy():
    assert all(getattr(benchmark, name) for name in benchmark.__all__)
    assert set(benchmark.__all__) <= set(dir(benchmark))
    code = (
        "import sys, benchmark\n"
        "benchmark.plan('quickstart')\n"
        "assert not {'tensorflow', 'keras', 'mlflow', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError):
        _ = benchmark.no_such_name


def test_a_plan_has_the_ids_of_the_command(tmp_path):
    cells = plan("quickstart", only=["plain44"], seeds="0").cells
    assert [cell.variant for cell in cells] == ["plain44"]
    other = plan("quickstart", set_=["schedule.learning_rate=0.1"]).cells
    assert {cell.spec.schedule.learning_rate for cell in other} == {0.1}


@pytest.mark.parametrize(
    "asked",
    [
        {"suite": "no-such-suite"},
        {"suite": "quickstart", "set_": ["model.depth=21"]},
        {"suite": "quickstart", "only": ["nothing"]},
        {"suite": "quickstart", "seeds": "9"},
    ],
)
def test_bad_input_is_refused_and_nothing_written(asked, tmp_path):
    with pytest.raises(InputError):
        run_suite(results=tmp_path / "results", **asked)
    assert list(tmp_path.iterdir()) == []


def test_more_jobs_than_cores_are_refused(tmp_path):
    with pytest.raises(InputError, match="10000"):
        run_suite("quickstart", tmp_path / "results", where=Where(jobs=10_000))


def test_a_suite_is_run_from_python_and_goes_on(tmp_path):
    file, lines = tmp_path / "tiny.yaml", []
    file.write_text(TINY_SUITE)
    asked = {"results": tmp_path / "results", "mlflow": False, "say": lines.append}
    first = run_suite(file, only=["plain6"], **asked)
    assert first.complete and not first.interrupted and first.unmirrored
    assert first.report.pages["html"][0].is_file()
    whole = run_suite(file, **asked)
    statuses = {whole.runs[run].variant: each for run, each in whole.outcome.statuses.items()}
    assert whole.complete and statuses["diverges"] == "diverged"
    runs = load_runs(tmp_path / "results", whole.name).set_index("variant")
    assert list(runs.loc[["plain6", "resnet6", "diverges"], "status"]) == [
        "finished", "finished", "diverged",
    ]  # fmt: skip
    assert lines[0].startswith("0 runs are done, 1 to be trained")

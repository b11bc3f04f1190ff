"""A suite as a job array of Slurm, whose tasks share a results folder (``tox -e slurm``)."""

import json
import os
import sys

import pytest
from conftest import TINY_SUITE
from slurm_cluster import cluster, missing, submitted, waited_for

from benchmark.records import Store, load_runs

pytestmark = [
    pytest.mark.skipif("RESNET_BENCH_SLURM" not in os.environ, reason="tox -e slurm runs it"),
    pytest.mark.skipif(bool(missing()), reason=f"needs slurm-wlm: {', '.join(missing())}"),
    pytest.mark.skipif(os.geteuid() != 0, reason="a node's daemon needs root"),
]

SCRIPT = """\
#!/bin/sh
#SBATCH --array=0-1 --cpus-per-task=1 --output=%A_%a.log
cd {folder}
exec {python} -m benchmark run suite.yaml --results results --jobs 1 --no-mlflow
"""


def test_an_array_of_jobs_is_stopped_by_its_time_limit_and_goes_on(tmp_path):
    suite = TINY_SUITE[: TINY_SUITE.index("    - name: diverges")] + "seeds: [0]\n"
    (tmp_path / "suite.yaml").write_text(suite.replace("iterations: 20", "iterations: 5000"))
    script = tmp_path / "job.sh"
    script.write_text(SCRIPT.format(folder=tmp_path, python=sys.executable))
    (tmp_path / "slurm").mkdir()
    store = Store(tmp_path / "results")
    with cluster(tmp_path / "slurm") as environment:
        first = submitted(script, environment, "--time=2")
        assert waited_for(first, environment) == {"TIMEOUT"}
        stopped = load_runs(store.root).set_index("variant")
        assert set(stopped["status"]) == {"interrupted"}, list(tmp_path.glob("*.log"))
        assert (stopped["epochs"] > 0).all()
        second = submitted(script, environment, "--time=120")
        # A task ends with 1 where another one still trains a run of the suite.
        assert waited_for(second, environment, max_s=3600) <= {"COMPLETED", "FAILED"}
    ended = load_runs(store.root).set_index("variant")
    assert set(ended["status"]) == {"finished"} and set(ended["attempt"]) == {2}
    for run_id, epochs in zip(ended["run_id"], stopped["epochs"], strict=True):
        lines = store.run(run_id).journal.read_text().splitlines()
        resumed = [json.loads(line) for line in lines if '"event": "resume"' in line]
        assert [each["epoch"] for each in resumed] == [epochs]

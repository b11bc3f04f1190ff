"""Train a suite in a process: ``python -m benchmark.proof.storm.runner SUITE RESULTS``."""

import sys
from pathlib import Path

from benchmark.records.store import Store
from benchmark.scheduling.local import ThisMachine
from benchmark.scheduling.runner import run_plan
from benchmark.suite import load_suite

if __name__ == "__main__":
    loaded, store = load_suite(sys.argv[1]), Store(Path(sys.argv[2]))
    store.suite(loaded.suite.name).save_plan(loaded)
    outcome = run_plan(loaded.plan, store, [], ThisMachine(), retry_failed=True)
    sys.exit("failed" in outcome.statuses.values())

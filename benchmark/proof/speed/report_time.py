"""How long the report of many runs takes, compared with just reading their journals."""

import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmark.events import Event, Kind, with_numbers
from benchmark.records.files import write_json, write_text
from benchmark.records.provenance import provenance
from benchmark.records.result import summarize
from benchmark.records.store import Store
from benchmark.status import Status
from benchmark.suite import Cell, load_suite

EPOCHS = 5
"""Epochs of each made-up run."""

_SUITE = """\
name: made-up
source: Made-up records, of runs that never were
base: {{dataset: {{name: cifar10}}, model: {{stem: cifar, depth: 20, shortcut: A}}}}
vary:
  variants: [{variants}]
seeds: {seeds}
claims:
  - {{statement: More is better., variant: net3, against: net0, direction: lower}}
  - {{statement: The more the better., trend: [net0, net1, net2, net3], direction: lower}}
"""


@dataclass(frozen=True)
class ReportTime:
    """Time taken by a report of that many runs."""

    variants: int
    seeds: int
    report_s: float
    """Of the whole command, from the start of its process."""
    parse_s: float
    """Of ``json.loads`` on every line of the journals, and nothing else: the peer."""


def time_report(variants: int, seeds: int) -> ReportTime:
    """Time ``resnet-bench report`` on made-up runs of so many variants (at least 4) and seeds (at
    least 3): ResNet-20, five epochs each, and two claims."""
    names = ", ".join(
        f"{{name: net{n}, optimizer.momentum: {n / variants}}}" for n in range(variants)
    )
    with tempfile.TemporaryDirectory() as scratch:
        suite, store = Path(scratch) / "made-up.yaml", Store(Path(scratch) / "results")
        write_text(suite, _SUITE.format(variants=names, seeds=list(range(seeds))))
        loaded, made = load_suite(suite), provenance()
        for cell in loaded.plan.cells:
            _make_up(store, cell, made)
        store.suite(loaded.suite.name).save_plan(loaded)
        began = time.monotonic()
        for path in store.root.glob("runs/*/journal.jsonl"):
            for line in path.read_text("utf-8").splitlines():
                json.loads(line)
        parsed = time.monotonic()
        command = [sys.executable, "-m", "benchmark", "report", loaded.suite.name]
        subprocess.run(
            [*command, "--results", str(store.root)], check=True, stdout=subprocess.DEVNULL
        )
        return ReportTime(variants, seeds, time.monotonic() - parsed, parsed - began)


def _make_up(store: Store, cell: Cell, made: dict[str, object]) -> None:
    folder = store.run(cell)
    folder.prepare(cell.spec)
    events = list(_events(cell))
    write_json(folder.path / "provenance.json", made)
    write_text(folder.journal, "".join(json.dumps(event) + "\n" for event in events))
    folder.end(summarize(events, Status.FINISHED))


def _events(cell: Cell) -> Iterator[Event]:
    chance = random.Random(cell.run_id)
    weights = hashlib.sha256(cell.run_id.encode()).hexdigest()
    layers = {f"layer{place}": chance.random() for place in range(1, 20)}
    yield {"event": Kind.START, "attempt": 1, "time": 0.0}
    yield {
        "event": Kind.BUILT,
        "initial_weights_sha256": weights,
        "parameters": 269722,
        "multiply_adds": 40551040,
        "device": "CPU",
    }
    for epoch in range(1, EPOCHS + 1):
        error = 100 / (1 + epoch) + chance.gauss()
        row: Event = {
            "event": Kind.EPOCH,
            "epoch": epoch,
            "iteration": 391 * epoch,
            "weights_sha256": weights,
            "learning_rate": 0.1,
            "train_loss": error / 40,
            "gradient_norm": 1.0,
            "gradient_norms": layers,
            "train_time_s": 30.0,
            "images_per_s": 1650 + chance.gauss(),
            "time": 32.0 * epoch,
        }
        scores = {"train_error_percent": error + 3, "test_error_percent": error}
        yield with_numbers(row, scores | {"test_loss": error / 40})
    yield {"event": Kind.END, "final_weights_sha256": weights, "time": 32.0 * EPOCHS + 1}

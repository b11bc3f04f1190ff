"""The cost of starting, following and recording runs, many that only sleep, and reporting them."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pandas as pd

from benchmark.proof.speed.report_time import EPOCHS, time_report
from benchmark.records.files import write_text
from benchmark.records.provenance import machine_line, provenance
from benchmark.records.store import Store
from benchmark.scheduling.local import ThisMachine
from benchmark.scheduling.runner import Place, run_plan
from benchmark.scheduling.share import available_cores, shares
from benchmark.spec import RunSpec
from benchmark.status import Status
from benchmark.suite import Cell, Plan

PLACES = {"processes": (1, 2), "Ray nodes": (1, 2, 4)}
"""Kinds of places, and the numbers of simultaneous runs measured in each."""

REPORTED = ((4, 5), (2000, 5), (20, 500))
"""Variants and seeds of the timed reports."""

SLEEPER = ("-m", "benchmark.proof.speed.sleeper")

_INTRODUCTION = """\
# Scaling

What the engine itself costs. **No run here trains: each is a process that sleeps** ({seconds} s)
and says that it has finished. All else is as in `resnet-bench run`: leases, journals, records,
listeners; without MLflow and the report. "Overhead" is what a run takes beyond its sleep, with the
start of its process; a real run adds about {import_s:.0f} s for the import of TensorFlow.
"Speed-up" is against one at a time in the same kind of place. The Ray nodes are raylets of one
machine with one CPU each: more nodes than it has cores share these. `resnet-bench prove scaling`
makes these tables.
"""

_OF_REPORTS = f"""
What a report costs: `resnet-bench report` from the start of its process, on **made-up records** of
runs that never were, of ResNet-20 with {EPOCHS} epochs each; beside it `json.loads` on every line
of their journals.
"""


@dataclass(frozen=True)
class Row:
    """The measurements of a place."""

    place: str
    at_once: int
    runs: int
    sleep_s: float
    wall_s: float

    @property
    def overhead_s(self) -> float:
        """Seconds per run in addition to its sleep."""
        return self.wall_s * self.at_once / self.runs - self.sleep_s


@contextmanager
def _place(kind: str, count: int, store: Store, worker: tuple[str, ...]) -> Iterator[Place]:
    """Yield this machine, with ``count`` runs at once, or a Ray cluster on it: a head that trains
    nothing, ``count`` one-CPU nodes."""
    if kind == "processes":
        yield ThisMachine(shares(count), worker=worker)
        return
    from ray.cluster_utils import Cluster

    from benchmark.scheduling.cluster import RayCluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        for _ in range(count):
            cluster.add_node(num_cpus=1)
        yield RayCluster(store, cluster.address, worker=worker)
    finally:
        cluster.shutdown()


def measure(kind: str, count: int, runs: int, seconds: float) -> Row:
    """Measure ``processes`` or ``Ray nodes``."""
    spec = RunSpec.model_validate(
        {
            "dataset": {"name": "cifar10-subset"},
            "model": {"stem": "cifar", "depth": 8, "shortcut": "A"},
            "numerics": {"threads": 1},
            "seed": 0,
        }
    )
    specs = (spec.model_copy(update={"seed": seed}) for seed in range(runs))
    plan = Plan("asleep", tuple(Cell("asleep", spec.seed, spec) for spec in specs))
    with tempfile.TemporaryDirectory() as scratch:
        store = Store(Path(scratch) / "results")
        with _place(kind, count, store, (*SLEEPER, str(seconds))) as there:
            began = time.monotonic()
            outcome = run_plan(plan, store, [], there)
            wall = time.monotonic() - began
    if outcome.interrupted:
        raise KeyboardInterrupt
    ended = list(outcome.statuses.values()).count(Status.FINISHED)
    if ended != runs:
        raise RuntimeError(f"all {runs} runs must finish. Received: {ended}, {outcome.reasons}")
    return Row(kind, count, runs, seconds, wall)


def write_scaling(
    folder: Path,
    runs: int,
    seconds: float,
    say: Callable[[str], None],
    reported: Sequence[tuple[int, int]] = REPORTED,
) -> Path:
    """Measure every place, and reports of so many variants and seeds; write ``scaling.md``,
    ``scaling.csv`` and ``reports.csv``."""
    rows = []
    for kind, counts in PLACES.items():
        for count in counts:
            if kind == "processes" and count > len(available_cores()):
                continue
            rows.append(measure(kind, count, runs, seconds))
            say(f"{count} {kind}: {rows[-1].wall_s:.1f} s")
    reports = []
    for variants, seeds in reported:
        reports.append(time_report(variants, seeds))
        say(f"report of {variants * seeds:,} runs: {reports[-1].report_s:.1f} s")
    one = {row.place: row.wall_s for row in rows if row.at_once == 1}
    lines = ["| place | at once | runs | wall (s) | runs/s | overhead (ms a run) | speed-up |"]
    lines.append("|---|---:|---:|---:|---:|---:|---:|")
    lines += [
        f"| {row.place} | {row.at_once} | {row.runs:,} | {row.wall_s:.1f} | "
        f"{row.runs / row.wall_s:.1f} | {1000 * row.overhead_s:.0f} | "
        f"{one[row.place] / row.wall_s:.2f} |"
        for row in rows
    ]
    lines += [_OF_REPORTS, "| variants | seeds | runs | report (s) | json (s) | ratio |"]
    lines.append("|---:|---:|---:|---:|---:|---:|")
    lines += [
        f"| {row.variants:,} | {row.seeds} | {row.variants * row.seeds:,} | {row.report_s:.1f} | "
        f"{row.parse_s:.2f} | {row.report_s / row.parse_s:.0f} |"
        for row in reports
    ]
    table = pd.DataFrame([vars(row) | {"overhead_s": row.overhead_s} for row in rows])
    introduction = _INTRODUCTION.format(seconds=seconds, import_s=_import_s())
    environment = f"- {machine_line(provenance())}, ray {metadata.version('ray')}"
    write_text(folder / "scaling.md", "\n".join([introduction, *lines, "", environment, ""]))
    write_text(folder / "scaling.csv", table.to_csv(index=False))
    write_text(folder / "reports.csv", pd.DataFrame(map(vars, reports)).to_csv(index=False))
    return folder / "scaling.md"


def _import_s() -> float:
    """Return how long a process that imports TensorFlow and Keras takes."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import keras, tensorflow"], check=True)
    return time.monotonic() - began

"""The runs under test: very small nets on real images, trained by the suite runner itself."""

import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmark.proof.storm.fault import POINTS
from benchmark.proof.storm.setting import Tries
from benchmark.records.comparison import compare_curves
from benchmark.records.store import RunFolder, Store
from benchmark.scheduling.attempt import WORKER, train_run
from benchmark.scheduling.local import ThisMachine
from benchmark.scheduling.runner import run_plan
from benchmark.suite import Cell, Plan, load_suite

_SUITE = """\
name: subject
source: made for the storm; far too small to say anything of nets
base:
  dataset: {name: cifar10-subset, train_per_class: 50}
  model:
    {stem: cifar, block: basic, stage_blocks: [1, 1, 1], stage_widths: [2, 4, 8], shortcut: A}
  optimizer: {batch_size: 100}
  schedule: {iterations: 20}
"""

SMALL = ""
"""Four epochs of five iterations."""

RESNET20 = """\
vary: {variants: [{name: resnet20, dataset.train_per_class: null, model.block: basic, \
model.stage_blocks: [3, 3, 3], model.stage_widths: [16, 32, 64], optimizer.batch_size: 125, \
schedule.iterations: 120, numerics.threads: 2}]}
"""
"""The paper's ResNet-20, for three epochs of the embedded images."""

RESNET20_LONGER = RESNET20.replace("iterations: 120", "iterations: 480")
"""The same for twelve epochs."""


def suite_file(folder: Path, vary: str = SMALL, seeds: int = 1) -> Path:
    """Write a suite of one variant, with seeds 0 to ``seeds`` - 1."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "subject.yaml"
    file.write_text(f"{_SUITE}{vary}seeds: {list(range(seeds))}\n")
    return file


def plan_of(folder: Path, vary: str = SMALL, seeds: int = 1) -> Plan:
    """Return the plan of that suite."""
    return load_suite(suite_file(folder, vary, seeds)).plan


RUNNER = ("-m", "benchmark.proof.storm.runner")
"""Arguments with which Python trains a suite, without MLflow, report and display."""


def runner(suite: Path, results: Path, command: tuple[str, ...] = RUNNER) -> list[str]:
    """Return the command of a process that trains a suite."""
    return [sys.executable, "-P", *command, str(suite), str(results)]


def with_fault(fault: str, point: int, command: tuple[str, ...] = WORKER) -> tuple[str, ...]:
    """Return a worker, or a runner, with a fault at one of its writes (see ``fault``)."""
    return ("-m", "benchmark.proof.storm.fault", fault, str(point), command[-1])


def workers_in(folder: Path) -> list[int]:
    """Return the processes that train any run in a folder, or the run whose folder it is."""
    found = psutil.process_iter(["cmdline"])
    return [process.pid for process in found if _works_in(folder, process.info["cmdline"] or [])]


def _works_in(folder: Path, command: list[str]) -> bool:
    return WORKER[-1] in command and any(
        Path(word).is_relative_to(folder.resolve()) for word in command
    )


def points(said: str) -> list[str]:
    """Return the kind of each point, from the standard error of a process with a fault."""
    (line,) = [line for line in said.splitlines() if line.startswith(POINTS)]
    return line.removeprefix(POINTS).split()


def trained_once(tries: Tries, results: Path, plan: Plan) -> None:
    """Add a try for each run of a plan: it must have finished in its only attempt."""
    for cell in plan.cells:
        folder = Store(results).run(cell)
        seen = (folder.status(), folder.attempts())
        tries.add(cell.name, None if seen == ("finished", 1) else f"status and attempts: {seen}")


@dataclass(frozen=True)
class Subject:
    """A run, and its folder after undisturbed training."""

    plan: Plan
    wanted: RunFolder

    @classmethod
    def trained(cls, folder: Path, worker: tuple[str, ...] = WORKER) -> "Subject":
        """Train it once, for comparison. Raises RuntimeError if that fails."""
        plan = plan_of(folder)
        (cell,) = plan.cells
        wanted = Store(folder / "results").run(cell)
        status, reason = train_run(cell, wanted, worker=worker)
        if status != "finished":
            raise RuntimeError(f"the undisturbed run must finish. Received: {status} ({reason})")
        return cls(plan, wanted)

    @property
    def cell(self) -> Cell:
        """The only run of its plan."""
        return self.plan.cells[0]

    def points(self) -> list[str]:
        """Return the kind of each point where its worker, one with the fault ``count``, changed its
        folder."""
        return points(self.wanted.log.read_text())

    def folder(self, results: Path) -> RunFolder:
        """Return the run's folder in another results folder."""
        return Store(results).run(self.cell)

    def finish(self, results: Path) -> str | None:
        """Train it to its end, as ``run --retry failed`` does, and compare. Returns what is wrong,
        or None if rows, weights and files are those of the undisturbed run."""
        outcome = run_plan(self.plan, Store(results), [], ThisMachine(), retry_failed=True)
        folder = self.folder(results)
        if outcome.statuses != {folder.run_id: "finished"}:
            return f"it ended as {outcome.statuses} {(folder.result() or {}).get('reason')}"
        curves = compare_curves(self.wanted.events(), folder.events())
        if curves.first or curves.lengths[0] != curves.lengths[1]:
            return f"epoch {curves.epochs} of {curves.lengths} differs: {curves.first[:3]}"
        if folder.weights.read_bytes() != self.wanted.weights.read_bytes():
            return "the weights' file differs"
        left = _files(folder) ^ _files(self.wanted)
        return f"files differ: {sorted(left)}" if left else None


def _files(folder: RunFolder) -> set[str]:
    """Return the names of its files; the number of a lease says how often the run was held."""
    return {path.stem for path in folder.path.iterdir()}

"""Cost of the runs that still have to be trained: multiply-adds, and hours at recorded rates."""

import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from benchmark.records.store import Store
from benchmark.scheduling.estimate import TRAINING, timed_runs, work
from benchmark.suite import Cell


@dataclass(frozen=True)
class Rates:
    """Training rates on the machine with the most records."""

    machine: str
    by_numerics: dict[tuple[str, int], float]
    """Precision and threads -> forward multiply-adds per second."""


def rates(store: Store) -> Rates:
    """Return the rates of the finished runs in a results folder."""
    found: dict[str, dict[tuple[str, int], list[float]]] = {}
    runs: Counter[str] = Counter()
    for key, rate, result, made in timed_runs(store):
        device = result.get("device")
        machine = made.get("processor", "") if device == "CPU" else str(device)
        found.setdefault(machine, {}).setdefault(key, []).append(rate)
        runs[machine] += 1
    if not runs:
        return Rates("", {})
    machine = max(sorted(runs), key=lambda name: runs[name])
    medians = {key: statistics.median(values) for key, values in found[machine].items()}
    return Rates(machine, medians)


def cost_text(cells: Iterable[Cell], known: Rates) -> str:
    """Return ``25 runs, 512 PMAC, 300 h``: each run counted once, one after the other."""
    different = {cell.run_id: cell for cell in cells}
    if not different:
        return ""
    total, seconds = 0.0, 0.0
    for cell in different.values():
        done = work(cell)
        rate = known.by_numerics.get((cell.spec.numerics.precision, cell.spec.numerics.threads))
        total += TRAINING * done / 1e15
        seconds += done / rate if rate else float("nan")
    runs = f"{len(different)} run{'s' if len(different) > 1 else ''}"
    if not total:
        return f"{runs}, nothing to train"
    hours = f", {_short(seconds / 3600)} h" if seconds == seconds else ""
    return f"{runs}, {_short(total)} PMAC{hours}"


def _short(number: float) -> str:
    """Return three significant digits or a whole number: ``0.52``, ``51.2``, ``8,440``."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"

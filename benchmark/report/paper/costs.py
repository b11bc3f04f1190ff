"""Cost of the runs that still have to be trained: multiply-adds, and hours at recorded rates."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from benchmark.records.store import Store
from benchmark.scheduling.rates import TRAINING, Rates, Timed, timed_runs, work
from benchmark.suite import Cell


@dataclass(frozen=True)
class Recorded:
    """Rates on the machine that trained for longest."""

    machine: str
    """Empty if no machine trained."""
    rates: Rates


def recorded_rates(store: Store) -> Recorded:
    """Return the rates of the finished runs in a results folder."""
    found: dict[str, list[Timed]] = defaultdict(list)
    for timed in timed_runs(store):
        device = timed.result.get("device")
        processor = timed.provenance.get("processor", "")
        found[processor if device == "CPU" else str(device)].append(timed)
    seconds = {
        name: sum(timed.result["train_time_s"] for timed in runs) for name, runs in found.items()
    }
    machine = max(sorted(seconds), key=lambda name: seconds[name], default="")
    return Recorded(machine, Rates.of(found[machine]))


def cost_text(cells: Iterable[Cell], known: Recorded) -> str:
    """Return ``25 runs, 512 PMAC, 300 h``: each run counted once, one after the other."""
    different = {cell.run_id: cell for cell in cells}
    if not different:
        return ""
    total, seconds = 0.0, 0.0
    for cell in different.values():
        total += TRAINING * work(cell) / 1e15
        own = known.rates.seconds(cell)
        seconds += math.nan if own is None else own
    runs = f"{len(different)} run{'s' if len(different) > 1 else ''}"
    if not total:
        return f"{runs}, nothing to train"
    hours = f", {_short(seconds / 3600)} h" if not math.isnan(seconds) else ""
    return f"{runs}, {_short(total)} PMAC{hours}"


def _short(number: float) -> str:
    """Return three significant digits or a whole number: ``0.52``, ``51.2``, ``8,440``."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"

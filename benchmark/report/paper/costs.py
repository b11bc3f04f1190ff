"""Cost of the runs that still have to be trained: multiply-adds, and hours at recorded rates."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from benchmark.records.store import Store
from benchmark.scheduling.rates import TRAINING, Numerics, Rates, Timed, timed_runs, work
from benchmark.suite import Cell


@dataclass(frozen=True)
class Recorded:
    """Rates on CPUs, or on the kind of GPU, whichever trained for longer."""

    machines: str
    """Processors or GPU; empty if nothing was trained."""
    rates: Rates


def recorded_rates(store: Store) -> Recorded:
    """Return the rates of each net's fastest run in a results folder: other work on a machine, of
    which records say nothing, only slows it down."""
    found: dict[str, list[Timed]] = defaultdict(list)
    for timed in timed_runs(store):
        found[str(timed.result.get("device"))].append(timed)
    seconds = {
        device: sum(timed.result["train_time_s"] for timed in runs)
        for device, runs in found.items()
    }
    device = max(sorted(seconds), key=lambda name: seconds[name], default="")
    fastest: dict[tuple[Numerics, int], Timed] = {}
    for timed in sorted(found[device], key=lambda timed: timed.rate):
        fastest[timed.numerics, timed.result["multiply_adds"]] = timed
    processors = sorted({str(each.provenance.get("processor")) for each in fastest.values()})
    machines = " and ".join(processors) if device == "CPU" else device
    return Recorded(machines, Rates.of(fastest.values()))


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

"""The tests of finished runs that a suite's claims require."""

from collections.abc import Iterator

from benchmark.records.store import Store
from benchmark.status import Status
from benchmark.suite import Cell
from benchmark.suite.claims import tests_of
from benchmark.suite.suite import LoadedSuite


def untested(loaded: LoadedSuite, store: Store) -> Iterator[tuple[Cell, str]]:
    """Yield each run, finished or not, with each protocol that claims require and by which it was
    not tested yet."""
    wanted, seen = tests_of(loaded.suite.claims), set()
    for cell in loaded.plan.cells:
        if cell.variant not in wanted or store.status(cell) == Status.UNREADABLE:
            continue
        for protocol in wanted[cell.variant]:
            test = cell.run_id, protocol
            if test not in seen and protocol not in store.run(cell).tested():
                seen.add(test)
                yield cell, protocol

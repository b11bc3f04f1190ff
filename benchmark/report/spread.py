"""How much the recorded runs of a claim's variants differ between seeds, for planning."""

import math
import statistics
from collections.abc import Iterable, Iterator
from typing import Any

from benchmark.records.store import RunFolder, Store
from benchmark.status import Status
from benchmark.suite.claims import Claim
from benchmark.suite.claims.planning import Spread
from benchmark.suite.suite import LoadedSuite

_ENOUGH = 4
"""Degrees of freedom from which a measured standard deviation is used: with 4, the true one is
between 0.6 and 2.9 times the measured one, at 95 %."""


def spreads(loaded: LoadedSuite, stores: Iterable[Store]) -> list[Spread | None]:
    """Return for each claim of a suite the spread of its runs in the first of the stores that has
    enough of them; None if none has, and for claims at stated iterations."""
    claims = loaded.suite.claims
    found: list[Spread | None] = [None] * len(claims)
    for store in stores:
        finished = list(_finished(loaded, store))
        each = zip(claims, found, strict=True)
        found = [known or _spread(claim, finished) for claim, known in each]
    return found


_Run = tuple[str, RunFolder, dict[str, Any]]
"""A variant, its run's folder, and the result."""


def _finished(loaded: LoadedSuite, store: Store) -> Iterator[_Run]:
    """Yield the suite's finished runs, also those that another suite trained."""
    for cell in loaded.plan.cells:
        if store.status(cell.run_id) == Status.FINISHED:
            folder = store.run(cell)
            yield cell.variant, folder, folder.result() or {}


def _spread(claim: Claim, runs: Iterable[_Run]) -> Spread | None:
    """Return the standard deviation pooled over the variants, each about its own mean; None if that
    is 0, as for nets that learn nothing: it says nothing of runs to come."""
    if claim.question == "how many runs":
        return None
    samples: dict[str, list[float]] = {name: [] for name in claim.compared}
    for variant, folder, result in runs:
        value = _value(claim, folder, result)
        if variant in samples and value is not None:
            samples[variant].append(value)
    several = [values for values in samples.values() if len(values) > 1]
    degrees = sum(len(values) - 1 for values in several)
    squares = sum((len(values) - 1) * statistics.variance(values) for values in several)
    if degrees < _ENOUGH or not squares:
        return None
    return Spread(math.sqrt(squares / degrees), sum(map(len, several)))


def _value(claim: Claim, folder: RunFolder, result: dict[str, Any]) -> float | None:
    """Return the value that a claim is judged by; None if it is not in the result."""
    if claim.protocol:
        return folder.tested().get(claim.protocol, {}).get(claim.measured.result)
    return result.get(claim.columns[0])

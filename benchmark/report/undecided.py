"""The part of a suite with several looks that still has to be trained."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from benchmark.records.ensembles import load_ensembles
from benchmark.records.frames import load_all
from benchmark.records.store import Store
from benchmark.report.values import with_values_at
from benchmark.report.verdicts import Verdict, judge
from benchmark.suite import Plan
from benchmark.suite.claims.multiplicity import begun_from
from benchmark.suite.suite import LoadedSuite


def stages(loaded: LoadedSuite, store: Store) -> Iterator[Plan]:
    """Yield the plan or, for a suite with several looks, its part for each look: the first seeds of
    all variants, then more seeds of variants with an undecided claim, until there are none. Ask for
    the next part only after the runs of the one before have ended and were tested. The store has
    the whole suite's plan, of which ``loaded.plan`` may be a part."""
    looks, plan = loaded.suite.looks, loaded.plan
    if looks is None:
        yield plan
        return
    variants, asked = {cell.variant for cell in plan.cells}, set[str]()
    for before, number in zip((0, *looks.looks), looks.looks, strict=False):
        if before:
            variants &= _undecided_now(loaded, store, before)
        chosen = looks.seeds[:number]
        cells = [c for c in plan.cells if c.variant in variants and c.seed in chosen]
        if not asked.issuperset(cell.name for cell in cells):  # A part may lack the first seeds.
            yield replace(plan, cells=tuple(cells))
        asked |= {cell.name for cell in cells}


def _undecided_now(loaded: LoadedSuite, store: Store, seeds: int) -> set[str]:
    cells = store.suite(loaded.suite.name).plan()["cells"]
    specs = {cell["variant"]: cell["spec"] for cell in cells}
    return undecided(verdicts_now(loaded, store, specs), specs, seeds)


def verdicts_now(
    loaded: LoadedSuite, store: Store, specs: Mapping[str, Mapping[str, Any]]
) -> list[Verdict]:
    """Return the verdicts on the suite's claims, from the current records. ``specs``: variant ->
    spec as plain data."""
    name, claims = loaded.suite.name, loaded.suite.claims
    samples = with_values_at(load_all(store.root, name), claims)
    samples = pd.concat([samples, load_ensembles(store, name, claims)])
    return judge(claims, samples, specs, loaded.suite.looks)


def undecided(
    verdicts: Sequence[Verdict], specs: Mapping[str, Mapping[str, Any]], seeds: int
) -> set[str]:
    """Return the variants to train further after the look at this many seeds: those in undecided
    claims, those in no claim, and those that one of these starts from.

    ``verdicts``: for all claims of the suite; ``specs``: variant -> spec as plain data.
    """
    named = {variant for verdict in verdicts for variant in verdict.claim.variants}
    found = set(specs) - named
    for verdict in verdicts:
        if verdict.decided_at is None or verdict.decided_at > seeds:
            found |= set(verdict.claim.variants)
    return set().union(*(begun_from(variant, specs) for variant in found)) & set(specs)

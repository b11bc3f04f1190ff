"""How much recorded runs differ, which `plan` takes for those to come."""

import shutil
from pathlib import Path

import pytest

from benchmark.records import Store, load_runs
from benchmark.report.spread import spreads
from benchmark.suite import load_suite
from benchmark.suite.claims.planning import Spread, planning_sd, prospects

REFERENCE = Store(Path("results/reference"))


def test_it_is_pooled_over_the_variants_of_a_claim(tmp_path):
    loaded = load_suite("suites/night/figure6.yaml")
    runs = load_runs(REFERENCE.root, "night-figure6")
    found = spreads(loaded, [Store(tmp_path), REFERENCE])
    assert all(found[:2])
    for claim, spread in zip(loaded.suite.claims, found, strict=True):
        if spread is None:  # Too few runs of it are on record.
            continue
        own = runs[runs["variant"].isin(claim.variants) & (runs["status"] == "finished")]
        errors = own.groupby("variant")[f"final_{claim.metric.removeprefix('test_')}"]
        degrees = errors.count() - 1
        assert spread.runs == errors.count().sum()
        assert spread.sd**2 == pytest.approx((errors.var() * degrees).sum() / degrees.sum())


def test_the_first_store_with_enough_runs_is_taken_and_a_few_are_not_enough(tmp_path):
    loaded = load_suite("suites/night/figure6.yaml")
    few = Store(tmp_path)
    for cell in [cell for cell in loaded.plan.cells if cell.seed == 0]:
        shutil.copytree(REFERENCE.run(cell).path, few.run(cell).path)
    assert spreads(loaded, [few]) == [None] * len(loaded.suite.claims)
    assert spreads(loaded, [few, REFERENCE]) == spreads(loaded, [REFERENCE])


def test_seeds_are_planned_for_what_was_measured():
    loaded = load_suite("suites/night/figure6.yaml")
    claims = loaded.suite.claims
    specs = {cell.variant: cell.spec.model_dump(mode="json") for cell in loaded.plan.cells}
    measured = [Spread(1.5, 6), *[None] * (len(claims) - 1)]
    first, second, *_ = prospects(claims, 5, specs, measured=measured)
    assert first.spread == measured[0]
    assert second.spread == Spread(planning_sd(second.claim, specs))
    before, *_ = prospects(claims, 5, specs)
    assert first.chance < before.chance and first.margin > before.margin

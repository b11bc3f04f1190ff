"""Verdicts that a hostile referee cannot break: lost runs, peeking, trends, pairs and margins."""

import numpy as np
import pandas as pd
import pytest

from benchmark.records.result import summarize
from benchmark.records.store import Store
from benchmark.report.suite_report import write_report
from benchmark.report.verdicts import finding_table, judge, verdict_table
from benchmark.spec import RunSpec
from benchmark.suite import SuiteError, load_suite
from benchmark.suite.claims import claim_of
from benchmark.suite.claims.kinds import KINDS
from benchmark.suite.claims.planning import prospects

WARMUP = {"learning_rate": 0.01, "until_train_error_percent": 80.0}


def run_spec(depth=20, shortcut="A", seed=0, **parts):
    data = {
        "dataset": {"name": "cifar10"},
        "model": {"stem": "cifar", "depth": depth, "shortcut": shortcut},
        "schedule": {"warmup": WARMUP if depth == 110 else None},
        "seed": seed,
    }
    return RunSpec.model_validate(data | parts)


def spec(*args, **parts):
    return run_spec(*args, **parts).model_dump(mode="json")


def runs(**values):
    """Variant -> values; None for a run that diverged, a text for another status."""
    rows = [
        {
            "variant": variant,
            "seed": seed,
            "status": value if isinstance(value, str) else "finished" if value else "diverged",
            "final_error_percent": value if isinstance(value, float) else None,
            "final_train_error_percent": value if isinstance(value, float) else None,
        }
        for variant, each in values.items()
        for seed, value in enumerate(each)
    ]
    return pd.DataFrame(rows)


def judged(frame, *claims, **specs):
    made = [claim_of(**{"statement": "So."} | claim) for claim in claims]
    every = {variant for claim in made for variant in claim.variants}
    return judge(made, frame, {variant: specs.get(variant, spec()) for variant in every})


def verdict(frame, claim, **specs):
    (found,) = judged(frame, claim, **specs)
    return found


def exactly(mean, sd, n=5):
    """Runs with just this mean and standard deviation."""
    values = np.linspace(-1, 1, n)
    return [float(value) for value in mean + sd * values / values.std(ddof=1)]


HIGH = {"variant": "a", "bound": 60, "direction": "higher"}
LOWER = {"variant": "a", "against": "b", "direction": "lower"}
GOOD = [8.0, 8.1, 8.2]


@pytest.mark.parametrize(
    "claim",
    [
        HIGH,
        HIGH | {"direction": "lower"},
        HIGH | {"share_percent": 40},
        LOWER,
        LOWER | {"direction": "higher"},
        LOWER | {"direction": "equal"},
        LOWER | {"difference": 91.9, "direction": "higher"},
        {"trend": ["b", "a"], "direction": "higher"},
        {"trend": ["b", "a"], "direction": "lower"},
    ],
)
@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_lost_runs_confirm_no_claim(claim, status):
    found = verdict(runs(a=[status] * 5, b=[*GOOD, 8.3, 8.4]), claim)
    assert found.verdict != "reproduced" and found.finding.lost == 5


EQUAL = {"variant": "a", "against": "b", "direction": "equal"}
ONE_RUN = {"variant": "a", "published": "table6/ResNet-20/test_error_percent"}
BEST = {"variant": "a", "published": "table6/ResNet-110/best_test_error_percent"}
BEST |= {"metric": "best_test_error_percent"}
MEAN = {"variant": "a", "published": "table6/ResNet-110/test_error_percent"}


@pytest.mark.parametrize(
    ("claim", "known"),
    [
        (EQUAL, [8.2]),
        (EQUAL, []),
        (EQUAL | {"difference": 3.0, "direction": "higher"}, [11.2]),
        (EQUAL | {"difference": 3.0, "direction": "lower"}, []),
        (ONE_RUN, []),
        (ONE_RUN, [8.7]),
        (MEAN, []),
        (BEST, [6.5]),
    ],
)
@pytest.mark.parametrize("other", [[*GOOD, 8.3, 8.4], ["failed"] * 5])
def test_lost_runs_refute_no_claim_that_the_others_fit(claim, known, other):
    found = verdict(runs(a=known + ["failed"] * (5 - len(known)), b=other), claim)
    assert found.outcome == "inconclusive" and found.finding.lost >= 5 - len(known)


@pytest.mark.parametrize("claim", [EQUAL, ONE_RUN])
def test_a_claim_is_refuted_in_spite_of_a_lost_run_if_no_value_of_it_would_fit(claim):
    ours = exactly(60.0, 1.0, 20)
    found = verdict(runs(a=[*ours, None], b=exactly(8.0, 0.1, 21)), claim)
    assert found.outcome == "not reproduced" and "With 1 lost run" in found.sentence


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_claim_stands_only_if_it_does_with_the_lost_runs_at_either_end(lost):
    ours, other = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [11.0, 12.0, 13.0, 14.0, 15.0, 16.0]
    found = verdict(runs(a=ours, b=[None] * lost + other[lost:]), LOWER)
    assert found.verdict == ("inconclusive" if lost == 2 else "reproduced")
    at_zero = verdict(runs(a=ours, b=[0.001] * lost + other[lost:]), LOWER)
    assert found.finding.effect == at_zero.finding.effect
    turned = verdict(runs(a=ours, b=[None] * lost + other[lost:]), LOWER | {"direction": "higher"})
    assert turned.verdict == ("inconclusive" if lost == 2 else "not reproduced")


@pytest.mark.parametrize(
    ("values", "outcome", "lost"),
    [
        ([8.0] * 10, "reproduced", 0),
        ([8.0] * 9 + [None], "inconclusive", 0),
        ([8.0] * 9 + ["failed"], "inconclusive", 1),
        ([8.0] * 4 + [None] * 6, "not reproduced", 0),
    ],
)
def test_how_often_runs_diverge_is_a_claim_of_its_own(values, outcome, lost):
    claim = {"variant": "a", "diverge_percent": 28, "direction": "lower"}
    found = verdict(runs(a=values), claim)
    assert (found.verdict, found.finding.lost) == (outcome, lost)
    assert found.finding.n == (10,)


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ([90.0, 88.0, 75.0, 90.0, 61.0], "reproduced"),
        ([90.0, 88.0, 20.0, 90.0, 61.0], "inconclusive"),
        ([90.0, 88.0, None, 90.0, 61.0], "inconclusive"),
        ([20.0, 20.0, 21.0, 22.0, 90.0], "inconclusive"),
        ([20.0] * 10, "not reproduced"),
    ],
)
def test_runs_over_a_bound_are_counted_where_they_end_at_one_of_two_places(values, outcome):
    claim = HIGH | {"share_percent": 50}
    assert verdict(runs(a=values), claim).verdict == outcome


@pytest.mark.parametrize("to_come", ["planned", "unfinished", "interrupted"])
def test_a_verdict_is_preliminary_until_all_planned_runs_have_ended(to_come):
    ours, other = [*GOOD, 8.3], [9.0, 9.1, 9.2, 9.3]
    done = verdict(runs(a=ours, b=other), LOWER)
    assert (done.preliminary, done.words) == (False, "reproduced")
    early = verdict(runs(a=[*ours, to_come], b=[*other, 9.4]), LOWER)
    assert (early.preliminary, early.verdict) == (True, "reproduced")
    assert early.words == "reproduced (preliminary)"
    assert list(verdict_table([early])["verdict"]) == [early.words]
    few = verdict(runs(a=["planned"] * 5, b=other), LOWER)
    assert few.preliminary and few.verdict == "inconclusive" and few.words == "not run"
    failed = verdict(runs(a=[*ours, "failed"], b=[*other, 9.4]), LOWER)
    assert not failed.preliminary


@pytest.mark.parametrize("to_come", [0, 1])
def test_reports_say_that_verdicts_are_preliminary(to_come, tmp_path):
    file, store = tmp_path / "two.yaml", Store(tmp_path / "results")
    claim = "  - {statement: l, variant: a, against: b, direction: lower}\n"
    file.write_text(TWO.replace("[0, 1, 2, 3, 4]", "[0, 1, 2, 3, 4, 5]") + claim)
    loaded = load_suite(file)
    store.suite("two").save_plan(loaded)
    for cell in loaded.plan.cells[: -to_come or None]:
        measured = {"final_error_percent": 8.0 + cell.seed / 10 + (cell.variant == "b")}
        store.run(cell).prepare(cell.spec)
        store.run(cell).end(summarize([], "finished") | measured)
    report = write_report(store, "two", ["markdown", "csv"])
    word = "reproduced (preliminary)" if to_come else "reproduced"
    assert report.verdict_counts == f"1 {word}"  # The tag that MLflow has.
    page = report.pages["markdown"][0].read_text()
    for text in (report.note, page):
        assert ("preliminary" in text) == bool(to_come)
    made = pd.read_csv(store.suite("two").path / "verdicts.csv")
    assert list(made["verdict"]) == [word]


def test_a_run_that_is_not_tested_yet_is_still_to_come():
    protocol = "ten-crop-256"
    claim = LOWER | {"metric": "top1_error_percent", "protocol": protocol}
    frame = runs(a=[1.0] * 4, b=[2.0] * 4)
    frame[f"{protocol}.top1_error_percent"] = [8.0, 8.1, 8.2, None, 9.0, 9.1, 9.2, 9.3]
    assert verdict(frame, claim).preliminary
    frame[f"{protocol}.top1_error_percent"] = [8.0, 8.1, 8.2, 8.3, 9.0, 9.1, 9.2, 9.3]
    assert not verdict(frame, claim).preliminary


def test_a_trend_is_a_claim_on_each_step():
    steps = [exactly(mean, 0.1) for mean in (10.0, 9.0, 8.0, 8.0)]
    names = ["a", "b", "c", "d"]
    claim = {"trend": names, "direction": "lower"}
    one_equal = verdict(runs(**dict(zip(names, steps, strict=True))), claim)
    assert one_equal.verdict == "inconclusive" and one_equal.finding.where == 2
    each = steps[:3] + [exactly(7.0, 0.1)]
    assert verdict(runs(**dict(zip(names, each, strict=True))), claim).verdict == "reproduced"
    one_back = steps[:3] + [exactly(9.0, 0.1)]
    found = verdict(runs(**dict(zip(names, one_back, strict=True))), claim)
    assert found.verdict == "not reproduced"


def test_all_claims_that_ask_the_same_question_are_a_family():
    frame = runs(a=[*GOOD, 8.3], b=[9.0, 9.1, 9.2, 9.3], r20=exactly(8.75, 0.1))
    published = {"variant": "r20", "published": "table6/ResNet-20/test_error_percent"}
    trend = {"trend": ["a", "b"], "direction": "higher"}
    equal = {"variant": "r20", "against": "b", "direction": "equal"}
    found = judged(frame, LOWER, trend, published, published, equal, HIGH)
    alone = [verdict(frame, claim) for claim in (LOWER, trend, published, published, equal, HIGH)]
    for one, together, size in zip(alone, found, (2, 2, 3, 3, 3, 1), strict=True):
        assert together.finding.p == pytest.approx(min(1, size * one.finding.p))
        against = min(1, size * one.finding.p_against)
        assert together.finding.p_against == pytest.approx(against)
    assert found[2].finding.confidence == pytest.approx(1 - 0.1 / 3)
    low, high = found[2].finding.interval
    narrow = alone[2].finding.interval
    assert low < narrow[0] < narrow[1] < high


def test_what_lies_on_the_margin_is_refuted_in_a_twentieth_of_cases():
    claim = claim_of(statement="So.", variant="a", against="b", direction="equal", margin=0.5)
    rng = np.random.default_rng(0)
    ours, other = rng.normal(0.5, 0.2, (10_000, 5)), rng.normal(0, 0.2, (10_000, 5))
    p, against = claim.p_values([ours, other])
    assert np.mean(against <= 0.05) <= 0.05 and np.mean(p <= 0.05) <= 0.06
    assert np.all(p + against > 0.5)


def parents(seed=0):
    parent = run_spec(seed=seed)
    data = spec(seed=seed)
    begun = {"source": "run", "name": parent.digest(), "mode": "train-all"}
    begun["other_preprocessing"] = True
    return {
        "p": spec(seed=seed),
        "a": data | {"pretrained": begun},
        "b": data | {"pretrained": begun | {"mode": "new-head"}},
    }


def test_runs_that_share_weights_or_a_parent_are_pairs():
    common = np.array([0.0, 3.0, 6.0, 9.0, 12.0])
    a, b = (common + 20).tolist(), (common + 20.5 + 0.01 * np.arange(5)).tolist()
    frame = runs(p=[1.0] * 5, a=a, b=b)
    specs = parents()
    wide = LOWER | {"departs_in": ["pretrained"]}
    found = verdict(frame, wide, **specs)
    assert found.verdict == "reproduced" and found.finding.test == "paired t test"
    apart = verdict(frame, LOWER, a=spec(), b=spec())
    assert apart.verdict == "inconclusive"
    child = {"variant": "p", "against": "a", "direction": "lower"}
    assert verdict(frame, child, **specs).finding.test == "paired t test"
    amount = wide | {"difference": 0.52, "margin": 0.1}
    found = verdict(frame, amount, **specs)
    assert (found.verdict, found.finding.test) == ("reproduced", "two one-sided paired t tests")


def test_pairs_are_of_one_seed_whatever_their_order():
    common = [0.0, 9.0, 3.0, 12.0, 6.0]
    frame = runs(a=[20.0 + x for x in common], b=[20.5 + x for x in common[:4]])
    shuffled = frame.iloc[[4, 2, 0, 1, 3, 8, 5, 6, 7]]
    claim = LOWER | {"departs_in": ["pretrained"], "difference": 0.5, "margin": 0.1}
    specs = {name: own for name, own in parents().items() if name != "p"}
    found = verdict(shuffled, claim, **specs)
    assert found.finding.n == (4, 4) and found.finding.effect == pytest.approx(-0.5)


PUBLISHED = {"variant": "a", "published": "table6/ResNet-20/test_error_percent"}


@pytest.mark.parametrize(
    ("fields", "margin"),
    [
        (PUBLISHED, 1.0),
        (PUBLISHED | {"margin": 0.3}, 0.3),
        (PUBLISHED | {"published": "table6/ResNet-110/test_error_percent"}, 0.5),
        (LOWER | {"direction": "equal"}, 0.5),
        (LOWER | {"direction": "equal", "metric": "train_error_percent"}, 0.2),
    ],
)
def test_a_margin_depends_on_the_claim(fields, margin):
    claim = claim_of(statement="So.", **fields)
    assert claim.margin == margin
    assert (claim.margin_reason is None) == ("margin" in fields)
    frame = runs(a=GOOD, b=GOOD)
    assert list(finding_table(judged(frame, fields))["margin"]) == [margin]


TWO = """\
name: two
source: x
seeds: [0, 1, 2, 3, 4]
base:
  dataset: {name: cifar10}
  model: {stem: cifar, depth: 20, shortcut: A}
vary: {variants: [{name: a}, {name: b, model.shortcut: none}]}
claims:
"""
EQUAL = "  - {statement: e, variant: a, against: b, direction: equal}\n"


@pytest.mark.parametrize("pair", ["variant: a, against: b", "variant: b, against: a"])
def test_two_variants_are_not_claimed_to_be_both_equal_and_unequal(pair, tmp_path):
    file = tmp_path / "two.yaml"
    less = f"  - {{statement: l, {pair}, direction: lower}}\n"
    file.write_text(TWO + EQUAL + less)
    with pytest.raises(SuiteError) as caught:
        load_suite(file)
    assert [problem.field for problem in caught.value.problems] == ["claims.1.direction"]
    file.write_text(TWO + EQUAL + less.replace("lower", "lower, metric: train_error_percent"))
    assert len(load_suite(file).suite.claims) == 2


def test_each_claim_has_a_statement_of_its_own(tmp_path):
    file = tmp_path / "two.yaml"
    on_training = EQUAL.replace("direction", "metric: train_error_percent, direction")
    file.write_text(TWO + EQUAL + on_training)
    with pytest.raises(SuiteError) as caught:
        load_suite(file)
    assert [problem.field for problem in caught.value.problems] == ["claims.1.statement"]
    file.write_text(TWO + EQUAL + on_training.replace("statement: e", "statement: t"))
    assert len(load_suite(file).suite.claims) == 2


NABLA = {
    "r20": exactly(8.51, 0.22),
    "r110": exactly(7.14, 0.20),
    "p20": exactly(9.78, 0.13),
    "p56": exactly(12.95, 0.22),
}
"""Five runs of each net by the paper's protocol (nabla0001/resnet): means and deviations."""


def test_the_runs_of_another_reproduction_come_out_as_a_referee_would_expect():
    claims = [
        PUBLISHED | {"variant": "r20"},
        {"variant": "r110", "published": "table6/ResNet-110/test_error_percent"},
        {"variant": "p56", "against": "p20", "direction": "higher"},
    ]
    specs = {
        "r20": spec(),
        "r110": spec(110),
        "p20": spec(20, "none"),
        "p56": spec(56, "none"),
    }
    found = judged(runs(**NABLA), *claims, **specs)
    assert [each.claim.margin for each in found[:2]] == [1.0, 0.5]
    assert [each.outcome for each in found] == ["reproduced", "inconclusive", "reproduced"]
    assert not any(each.preliminary or each.departures for each in found)


BEST = PUBLISHED | {
    "published": "table6/ResNet-110/best_test_error_percent",
    "metric": "best_test_error_percent",
}


def planned(*claims, seeds=5):
    made = [claim_of(**{"statement": "So."} | claim) for claim in claims]
    names = {variant for claim in made for variant in claim.variants}
    return prospects(made, seeds, {name: spec() for name in names})


def test_the_plan_tells_what_its_seeds_can_decide():
    (one,) = planned(PUBLISHED)
    root = 0.209  # Of 0.0875 / 20,000, in points.
    assert one.spread.sd == pytest.approx(root, abs=1e-3)
    assert 0.8 < one.chance < 1 and one.seeds <= 5
    (strict,) = planned(PUBLISHED | {"margin": 0.5})
    assert strict.chance < 0.35 and (strict.seeds or 99) > 10
    assert 0.5 < strict.margin < 1
    first, second = planned(*[LOWER | {"margin": 1.0}] * 2, seeds=3)
    assert first.chance == second.chance == 0 and first.seeds == 4 and first.margin is None
    (response,) = planned(LOWER | {"metric": "mean_response_std"})
    assert (response.spread.sd, response.chance, response.seeds) == (None, None, None)
    (share,) = planned(HIGH | {"share_percent": 40})
    assert share.chance > 0.7 and share.seeds
    (known,) = planned({"variant": "a", "published": "table6/ResNet-110/test_error_percent"})
    assert known.spread.sd == 0.16


@pytest.mark.parametrize(
    "fields", [PUBLISHED, LOWER, LOWER | {"direction": "equal"}, LOWER | {"difference": 2.0}, HIGH]
)
def test_the_plan_tells_the_margin_that_its_seeds_can_decide(fields):
    (prospect,) = planned(fields)
    for share, enough in ((1.0, True), (0.95, False)):
        (at,) = planned(fields | {"margin": share * prospect.margin})
        assert (at.chance >= 0.8) is enough


def test_the_planned_chance_is_the_share_of_made_up_suites_that_are_decided():
    rng = np.random.default_rng(0)
    for fields in (
        PUBLISHED,
        LOWER,
        LOWER | {"direction": "equal", "margin": 0.3},
        {"trend": ["a", "b", "c"], "direction": "higher"},
        {"trend": ["a", "b", "c"], "direction": "lower"},
        HIGH,
        HIGH | {"direction": "lower"},
        HIGH | {"share_percent": 40},
        {"variant": "a", "diverge_percent": 60, "direction": "lower"},
        PUBLISHED | {"published": "table6/ResNet-110/test_error_percent"},
        BEST,
        LOWER | {"direction": "higher"},
        LOWER | {"direction": "higher", "difference": 2.0},
        LOWER | {"moderated": {"sd": 0.2, "df": 6}, "margin": 0.3},
    ):
        (prospect,) = planned(fields)
        claim, sd = prospect.claim, prospect.spread.sd
        p, _ = claim.p_values(claim.drawn(rng, 10_000, 5, sd or 0.0))
        assert np.mean(p <= 0.05) == pytest.approx(prospect.chance, abs=0.03), fields


def test_a_made_up_suite_is_one_in_which_the_claim_is_true():
    """Drawn by hand: what the claims' own draws are held against."""
    rng, sd = np.random.default_rng(1), 0.2
    published = claim_of(statement="So.", **PUBLISHED)
    ours, theirs = rng.normal(0, sd, (10_000, 5)), rng.normal(0, sd, (10_000, 1))
    by_hand = [ours - theirs + published.number.value]
    own = published.drawn(rng, 10_000, 5, sd)
    for each in (own, by_hand):
        assert np.mean(each[0]) == pytest.approx(published.number.value, abs=0.02)
        assert np.mean(each[0], axis=1).std() == pytest.approx(sd * (1 + 1 / 5) ** 0.5, rel=0.05)
    below, above = claim_of(statement="So.", **LOWER).drawn(rng, 10_000, 5, sd)
    assert above.mean() - below.mean() == pytest.approx(0.5, abs=0.02)


def chances(claims, seeds):
    return [each.chance for each in prospects(claims, seeds, dict.fromkeys("abc", spec()))]


def test_what_cannot_be_shown_is_told():
    share = claim_of(statement="s", **HIGH, share_percent=60)
    assert chances([share], 5) == [0] and chances([share], 6) > [0]
    trend = claim_of(statement="t", trend=["a", "b", "c"], direction="lower")
    assert chances([trend], 3) > [0] and chances([trend] * 2, 3) == [0, 0]


def test_each_kind_of_claim_is_implied_by_what_is_stated():
    stated = {
        "published": PUBLISHED,
        "against, lower or higher": LOWER,
        "against, equal": LOWER | {"direction": "equal"},
        "against, difference": LOWER | {"difference": 1.0},
        "trend": {"trend": ["a", "b"], "direction": "lower"},
        "bound": HIGH,
        "bound, share_percent": HIGH | {"share_percent": 50},
        "diverge_percent": {"variant": "a", "diverge_percent": 50, "direction": "lower"},
    }
    assert stated.keys() == KINDS.keys()
    for name, fields in stated.items():
        claim = claim_of(statement="So.", **fields)
        assert type(claim) is KINDS[name]
        again = claim_of(**claim.model_dump(mode="json"))
        assert again == claim
        every = {field: None for kind in KINDS.values() for field in kind.model_fields}
        assert claim_of(**every | claim.model_dump(mode="json")) == claim

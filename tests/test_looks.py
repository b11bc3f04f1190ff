"""Suites of several looks: verdicts that are final at a look, and what is trained after it."""

from dataclasses import replace

import pandas as pd
import pytest
from conftest import TINY_SUITE, bench
from test_claims import LOWER, parents, runs, spec

from benchmark.records.result import summarize
from benchmark.records.store import Store
from benchmark.report.suite_report import write_report
from benchmark.report.undecided import stages, undecided
from benchmark.report.verdicts import judge
from benchmark.suite import SuiteError, load_suite
from benchmark.suite.claims import claim_of
from benchmark.suite.claims.planning import expected_runs, prospects
from benchmark.suite.looks import Looks

LOOKS = Looks(looks=(2, 3, 5))
QUICK = LOWER | {"moderated": {"sd": 0.2, "df": 6.0}, "least_seeds": 2}
OTHER = QUICK | {"variant": "c", "against": "d"}
FAR = {"a": [7.0, 7.1, 7.2, 7.1, 7.0], "b": [9.0, 9.1, 9.2, 9.1, 9.0]}
CLOSE = {"c": [8.0, 8.3, 7.9, 8.1, 8.2], "d": [8.1, 8.2, 8.0, 8.3, 7.9]}
PLANNED = ["planned"] * 3


def judged(frame, *claims, looks=LOOKS):
    made = [claim_of(**{"statement": "So."} | claim) for claim in claims]
    return judge(made, frame, {v: spec() for claim in made for v in claim.variants}, looks)


def first(values, n):
    """The first runs; the others are planned."""
    return {v: [*own[:n], *["planned"] * (len(own) - n)] for v, own in values.items()}


def test_a_verdict_of_a_look_is_final_though_runs_are_planned():
    (found,) = judged(runs(**first(FAR, 2)), QUICK)
    assert (found.verdict, found.preliminary, found.decided_at) == ("reproduced", False, 2)
    assert found.words == "reproduced" and found.finding.n == (2, 2)
    (without,) = judged(runs(**first(FAR, 2)), QUICK, looks=None)
    assert without.preliminary
    (against,) = judged(runs(**first(FAR, 2)), QUICK | {"direction": "higher"})
    assert (against.verdict, against.decided_at) == ("not reproduced", 2)


@pytest.mark.parametrize("ended", [1, 3, 4])
def test_between_looks_a_verdict_is_preliminary(ended):
    (found,) = judged(runs(**first(CLOSE, ended)), OTHER)
    assert found.preliminary and found.decided_at is None
    assert [look.runs for look in found.looks] == [n for n in (2, 3) if n <= ended]
    early = {"c": [7.0, *PLANNED], "d": [9.0, 9.1, *PLANNED]}
    assert judged(runs(**early), OTHER)[0].preliminary


def test_a_look_is_made_once_whatever_came_later():
    """By the first two seeds it is so; by all five it is not."""
    turned = {"a": [7.0, 7.1, 12.0, 12.1, 12.2], "b": FAR["b"]}
    (found,) = judged(runs(**turned), QUICK)
    assert (found.verdict, found.decided_at, len(found.looks)) == ("reproduced", 2, 1)


def test_without_a_decision_the_last_look_is_final():
    (found,) = judged(runs(**CLOSE), OTHER)
    assert (found.verdict, found.preliminary, found.decided_at) == ("inconclusive", False, None)
    assert [look.runs for look in found.looks] == [2, 3, 5]


def test_looks_with_too_few_runs_for_the_test_decide_nothing_and_spend_nothing():
    """The exact test cannot decide by two or three runs of each."""
    order = {"a": [1.0, 2.0, 3.0, 4.0, 5.0], "b": [6.0, 7.0, 8.0, 9.0, 10.0]}
    (alone,) = judged(runs(**order), LOWER, looks=None)
    (looked,) = judged(runs(**order), LOWER)
    assert [look.bounds[0] for look in looked.looks][:2] == [0.0, 0.0]
    assert [look.finding.p if look.finding else None for look in looked.looks][:2] == [None, 1.0]
    assert looked.decided_at == 5 and alone.finding.p <= looked.finding.p <= 0.05
    assert looked.looks[2].bounds[0] > 0.03  # Of the level nearly all is left.


def test_a_claim_that_asks_for_more_runs_waits_for_them():
    (found,) = judged(runs(**FAR), QUICK | {"least_seeds": 3})
    assert found.decided_at == 3
    assert [look.outcome for look in found.looks] == ["inconclusive", "reproduced"]


def test_lost_runs_end_a_look_and_count_against_its_claim():
    frame = runs(a=[7.0, None, *PLANNED], b=[9.0, 9.1, *PLANNED])
    (found,) = judged(frame, QUICK)
    assert found.preliminary and found.decided_at is None and len(found.looks) == 1
    assert found.looks[0].finding.lost == 1


def test_the_level_is_the_familys():
    (alone,), both = judged(runs(**FAR), QUICK), judged(runs(**FAR, **CLOSE), QUICK, OTHER)
    assert both[0].looks[0].bounds[0] < alone.looks[0].bounds[0]
    (wide,) = judged(runs(**FAR), QUICK, looks=Looks(looks=(2, 3, 5), level=0.1))
    assert wide.looks[0].bounds[0] > alone.looks[0].bounds[0]


def test_variants_of_which_nothing_is_undecided_are_left_out():
    specs = {name: spec() for name in "abcde"}
    verdicts = judged(runs(**FAR, **CLOSE), QUICK, OTHER)
    assert undecided(verdicts, specs, 2) == {"c", "d", "e"}  # Of e no claim says anything.
    late = judged(runs(**FAR), QUICK | {"least_seeds": 3})
    assert undecided(late, {n: spec() for n in "ab"}, 2) == {"a", "b"}
    assert undecided(late, {n: spec() for n in "ab"}, 3) == set()


def test_what_an_undecided_variant_begins_from_is_trained_on():
    own = parents()
    specs = {"a": own["p"], "b": spec(56), "c": own["a"], "d": spec(32)}
    claims = [claim_of(statement="So.", **each) for each in (QUICK, OTHER)]
    found = judge(claims, runs(**FAR, **CLOSE), specs, LOOKS)
    assert found[0].decided_at == 2
    assert undecided(found, specs, 2) == {"a", "c", "d"}  # c begins from a.


SUITE = """\
name: looked
source: the tests
seeds: {looks: [2, 3, 5], level: 0.05}
base:
  dataset: {name: cifar10}
  model: {stem: cifar, depth: 20}
vary:
  variants:
    - {name: a, model.shortcut: A}
    - {name: b, model.shortcut: none}
    - {name: c, model.shortcut: B}
    - {name: d, model.shortcut: C}
claims:
  - {statement: 1, variant: a, against: b, direction: lower, moderated: {sd: 0.2, df: 6}}
  - {statement: 2, variant: c, against: d, direction: lower, moderated: {sd: 0.2, df: 6}}
"""
SUITE = SUITE.replace("statement: 1", "least_seeds: 2, statement: One.")
SUITE = SUITE.replace("statement: 2", "least_seeds: 2, statement: Two.")


@pytest.fixture
def load(tmp_path):
    def load(text=SUITE):
        path = tmp_path / "suite.yaml"
        path.write_text(text)
        return load_suite(path)

    return load


def test_a_suite_states_looks_in_place_of_seeds(load):
    loaded = load()
    assert loaded.suite.looks == LOOKS and loaded.suite.all_seeds == (0, 1, 2, 3, 4)
    assert [cell.seed for cell in loaded.plan.cells[:5]] == [0, 1, 2, 3, 4]
    listed = load(SUITE.replace("{looks: [2, 3, 5], level: 0.05}", "[3, 1]"))
    assert listed.suite.looks is None and listed.suite.all_seeds == (3, 1)


@pytest.mark.parametrize(
    ("seeds", "field", "rule"),
    [
        ("{looks: [3, 2]}", "seeds.looks", "must rise"),
        ("{looks: [1, 2]}", "seeds.looks", "starting at 2"),
        ("{looks: [2, 1001]}", "seeds.looks", "must end at"),
        ("{looks: [5]}", "seeds.looks", "at least 2"),
        ("{looks: [2, 5], level: 0.5}", "seeds.level", "less than or equal"),
        ("{looks: [2, 5], alpha: 0.05}", "seeds.alpha", "not a field"),
        ("[]", "seeds", "at least 1"),
        ("5", "seeds", "valid tuple"),
    ],
)
def test_looks_that_are_none_are_refused(load, seeds, field, rule):
    with pytest.raises(SuiteError) as caught:
        load(SUITE.replace("{looks: [2, 3, 5], level: 0.05}", seeds))
    (problem,) = caught.value.problems
    assert (problem.origin.line, problem.field) == (3, field) and rule in problem.rule


SHARE = (
    "claims:\n  - {statement: Over., variant: b, bound: 60, share_percent: 40, direction: higher}"
)


@pytest.mark.parametrize(
    ("old", "new", "refused"),
    [
        ("name: b, ", "name: b, model.depth: 56, ", False),
        ("name: b, ", "name: b, model.depth: 110, ", True),
        ("name: a, ", "name: a, model.depth: 110, ", False),
        ("name: b, ", "name: b, model.batch_norm: null, ", True),
        ("claims:", SHARE, True),
    ],
)
def test_a_moderated_test_is_not_for_runs_that_may_end_at_one_of_two_places(
    load, old, new, refused
):
    text = SUITE.replace(old, new)
    if not refused:
        assert load(text).suite.claims[0].moderated.sd == 0.2
        return
    with pytest.raises(SuiteError) as caught:
        load(text)
    (problem,) = caught.value.problems
    assert problem.field.endswith(".moderated") and problem.received == "b"


ERRORS = {"a": 7.0, "b": 9.0, "c": 8.0, "d": 8.001, "resnet6": 7.0, "plain6": 9.0, "slow": 9.001}


def end(store, cell):
    if not store.run(cell).done():
        store.run(cell).prepare(cell.spec)
        measured = {"final_error_percent": ERRORS[cell.variant] + cell.seed / 100}
        store.run(cell).end(summarize([], "finished") | measured)


def test_a_suite_is_trained_look_by_look_and_its_report_shows_each(load, tmp_path):
    loaded, store = load(), Store(tmp_path / "results")
    store.suite("looked").save_plan(loaded)
    asked = []
    for stage in stages(loaded, store):
        asked.append({cell.name for cell in stage.cells})
        for cell in stage.runs().values():
            end(store, cell)
    assert [len(names) for names in asked] == [8, 6, 10]
    assert asked[0] == {f"{v}/seed{s}" for v in "abcd" for s in (0, 1)}
    assert asked[2] == {f"{v}/seed{s}" for v in "cd" for s in range(5)}
    again = [{cell.name for cell in stage.cells} for stage in stages(loaded, store)]
    assert again == asked  # All of them done.

    report = write_report(store, "looked", ["markdown", "html", "latex", "csv"])
    looks = pd.read_csv(store.suite("looked").path / "looks.csv")
    assert list(looks["seeds"]) == [2, 3, 5] and list(looks["runs"]) == [8, 10, 14]
    assert list(looks["undecided"]) == [1, 1, 1] and looks["left out"][0] == "a, b"
    assert looks["decided"][0] == "reproduced: One." and looks["decided"][1:].isna().all()
    assert looks["expected"].is_monotonic_increasing and looks["expected"][2] < 20
    each = pd.read_csv(store.suite("looked").path / "look_tests.csv")
    assert list(each["so"]) == ["reproduced"] + ["inconclusive"] * 3
    assert list(report.verdicts["verdict"]) == ["reproduced", "not comparable"]
    for page in ("markdown", "html", "latex"):
        assert "a, b" in report.pages[page][0].read_text()


def test_a_part_of_a_suite_is_trained_look_by_look_too(load, tmp_path):
    loaded, store = load(), Store(tmp_path / "results")
    store.suite("looked").save_plan(loaded)
    cells = tuple(cell for cell in loaded.plan.cells if cell.seed < 2 and cell.variant != "d")
    part = replace(loaded, plan=replace(loaded.plan, cells=cells))
    assert [len(stage.cells) for stage in stages(part, store)] == [6]


def test_a_part_without_the_first_seeds_is_trained(load, tmp_path):
    loaded, store = load(), Store(tmp_path / "results")
    store.suite("looked").save_plan(loaded)
    cells = tuple(cell for cell in loaded.plan.cells if cell.seed >= 2)
    part = replace(loaded, plan=replace(loaded.plan, cells=cells))
    assert [{c.seed for c in stage.cells} for stage in stages(part, store)] == [{2}, {2, 3, 4}]


def test_a_list_of_seeds_is_one_stage(load, tmp_path):
    listed = load(SUITE.replace("{looks: [2, 3, 5], level: 0.05}", "[0, 1]"))
    store = Store(tmp_path / "results")
    assert [plan.cells for plan in stages(listed, store)] == [listed.plan.cells]
    store.suite("looked").save_plan(listed)
    assert "looks" not in store.suite("looked").plan()


def test_the_plan_tells_the_chance_by_each_look_and_the_runs_that_it_takes():
    specs = {name: spec() for name in "abcd"}
    made = [claim_of(statement="So.", **each, margin=m) for each, m in ((QUICK, 1.0), (OTHER, 0.2))]
    found = prospects(made, 5, specs, LOOKS)
    assert found[0].by_look[0] > 0.8 > 0.4 > found[1].by_look[0]
    for each in found:
        assert list(each.by_look) == sorted(each.by_look) and each.chance == each.by_look[-1]
    two, three, five = expected_runs(found, LOOKS, specs)
    assert two == 8 and two < three < five < 20
    assert three - two == pytest.approx(2 * sum(1 - each.by_look[0] for each in found))
    silent = expected_runs(found, LOOKS, specs | {"e": spec()})
    assert silent[-1] == pytest.approx(five + 5)  # No claim says when e is enough.
    unknown = claim_of(statement="So.", **LOWER, metric="mean_response_std")
    (told,) = prospects([unknown], 5, specs, LOOKS)
    assert (told.chance, told.by_look) == (None, (0, 0, 0))


@pytest.mark.slow
def test_the_command_trains_no_more_than_it_takes(tmp_path):
    """Of two claims the first look has decided one, by runs made up here."""
    text = TINY_SUITE.replace("seeds: [0]", "seeds: {looks: [2, 3], level: 0.05}")
    text = text[: text.index("claims:")].replace("diverges", "slow").replace("1.0e+6", "1.0e-6")
    text = text.replace("      model.batch_norm: null\n", "")
    text += """\
claims:
  - {statement: 1, variant: resnet6, against: plain6, direction: lower, moderated: PRIOR}
  - {statement: 2, variant: slow, against: plain6, direction: lower, moderated: PRIOR}
"""
    text = text.replace("PRIOR", "{sd: 0.2, df: 6}, least_seeds: 2")
    text = text.replace("statement: 1", "statement: One.")
    suite = tmp_path / "tiny.yaml"
    suite.write_text(text.replace("statement: 2", "statement: Two."))
    loaded, store = load_suite(suite), Store(tmp_path / "results")
    for cell in loaded.plan.cells:
        if cell.seed < 2 or cell.variant == "slow":
            end(store, cell)
    words = ("run", suite, "--results", store.root, "--no-mlflow")
    done = bench(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    there = {cell.name for cell in loaded.plan.cells if store.run(cell).done()}
    left_out = {cell.name for cell in loaded.plan.cells} - there
    assert left_out == {"resnet6/seed2"}
    before = {path: path.stat().st_mtime_ns for path in (store.root / "runs").rglob("*.jsonl")}
    assert bench(*words).returncode == 0
    after = {path: path.stat().st_mtime_ns for path in (store.root / "runs").rglob("*.jsonl")}
    assert before == after and len(after) == 1  # Of plain6 with the third seed.
    told = bench("plan", suite, "--results", store.root).stdout
    assert "Decided after 2 seeds: One. reproduced" in told and "Undecided so far: 1 of 2" in told

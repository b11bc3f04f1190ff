import pytest

from benchmark.paper import PUBLISHED, REPRODUCTIONS, SHOWN, departures, told
from benchmark.records import load_published, load_reproductions, load_shown
from benchmark.spec import RunSpec
from benchmark.suite import load_suite


def departures_of(**changes):
    data = {"dataset": {"name": "cifar10"}, "model": {"stem": "cifar", "shortcut": "A"}, "seed": 0}
    for part, fields in changes.items():
        data[part] = {**data.get(part, {}), **fields}
    if "stage_blocks" not in data["model"]:
        data["model"].setdefault("depth", 20)
    return departures(RunSpec.model_validate(data).model_dump(mode="json"))


@pytest.mark.parametrize(
    ("changes", "phrases"),
    [
        ({}, []),
        ({"model": {"depth": 14}}, ["model.depth is 14, not one of the paper's {depths}"]),
        (
            {"model": {"block": "basic", "stage_blocks": [1, 1, 7]}},
            ["model.stage_blocks is 1/1/7, not n/n/n"],
        ),
        ({"model": {"batch_norm": None}}, ["model.batch_norm is off, not on"]),
        (
            {"model": {"batch_norm": {"zero_gamma": True}}},
            ["model.batch_norm.zero_gamma is True, not False"],
        ),
        ({"schedule": {"drops": []}}, ["schedule.drops is none, not 32000/48000"]),
        (
            {"schedule": {"kind": "cosine"}},
            [
                "schedule.kind is cosine, not piecewise",
                "schedule.drops is off, not 32000/48000",
                "schedule.factor is off, not 0.1",
            ],
        ),
        ({"model": {"shortcut": "B"}}, ["model.shortcut is B, not none or A"]),
        ({"numerics": {"replicas": 2}}, []),
        (
            {"numerics": {"precision": "mixed_float16"}},
            ["numerics.precision is mixed_float16, not float32"],
        ),
    ],
)
def test_departures_are_said_in_words(changes, phrases):
    depths = "20, 32, 44, 56, 110, 1202"
    assert list(map(told, departures_of(**changes))) == [phrase.format(depths=depths) for phrase in phrases]


def test_only_runs_have_a_number_of_runs():
    arithmetic = {n.key for n in PUBLISHED.values() if n.selection == "arithmetic"}
    assert arithmetic == {
        number.key
        for number in PUBLISHED.values()
        if number.column in ("parameters", "multiply_adds")
    }
    for number in PUBLISHED.values():
        assert (number.n is None) == (number.key in arithmetic)
        assert (number.unit == "count") == (number.key in arithmetic)


def test_what_the_paper_does_not_say_of_its_runs_is_not_claimed():
    single = [number for number in PUBLISHED.values() if number.n == 1]
    assert {n.row for n in single if n.table == 6} == {
        f"ResNet-{depth}" for depth in (20, 32, 44, 56, 1202)
    }
    assert {number.selection for number in single} == {"not stated (one run assumed)"}
    assert not [n for n in PUBLISHED.values() if n.table == 6 and "plain" in n.row]


def test_each_table_is_there_and_each_error_says_how_it_was_looked_at():
    assert {number.table for number in PUBLISHED.values()} == {1, 2, 3, 4, 5, 6, 7, 8, 9}
    for number in PUBLISHED.values():
        assert bool(number.view) == (number.selection != "arithmetic")
    views = {number.table: number.view for number in PUBLISHED.values()}
    assert (views[3], views[6]) == ("10-crop", "single view")
    gain = (PUBLISHED[f"table8/{net}/ap_percent"].value for net in ("ResNet-101", "VGG-16"))
    assert next(gain) - next(gain) == pytest.approx(6.0)  # The paper's own sum.


def test_numbers_of_one_table_in_another_are_the_same():
    for net in ("plain-34", "ResNet-34 A"):
        keys = [f"table{table}/{net}/top1_error_percent" for table in (2, 3)]
        assert PUBLISHED[keys[0]].value == PUBLISHED[keys[1]].value


def test_frames_hold_every_number():
    paper, later = load_published(), load_reproductions()
    assert len(paper) == len(PUBLISHED) and len(later) == len(REPRODUCTIONS)
    assert {"table", "row", "column", "value", "selection"} <= set(paper)
    assert later.groupby("source")["url"].nunique().eq(1).all()
    best = later[later["source"] == "akamaster/pytorch_resnet_cifar10"]
    assert set(best["column"]) == {"best_test_error_percent"}  # Never beside a last epoch's.


@pytest.mark.parametrize(
    ("suite", "figures"),
    [("figure4", (4,)), ("figure6", (1, 6)), ("figure7", (7,)), ("table6-1202", (6,))],
)
def test_what_figures_show_is_claimed_with_the_quantity_that_it_is_judged_by(suite, figures):
    claims = {c.statement: c.metric for c in load_suite(f"suites/{suite}.yaml").suite.claims}
    shown = {each.statement: each.quantity for each in SHOWN if each.figure in figures}
    common = claims.keys() & shown.keys()
    assert len(common) >= 2
    assert {s: claims[s] for s in common} == {s: shown[s] for s in common}
    assert len(load_shown()) == len(SHOWN)


def test_all_that_figures_show_is_a_claim_of_a_suite():
    files = ("figure4", "figure6", "figure7", "table6-1202")
    suites = [load_suite(f"suites/{name}.yaml").suite for name in files]
    claimed = {claim.statement for suite in suites for claim in suite.claims}
    assert {each.statement for each in SHOWN} <= claimed

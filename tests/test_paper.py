import pytest

from benchmark.paper import PUBLISHED, departures
from benchmark.spec import RunSpec


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
    assert departures_of(**changes) == [phrase.format(depths=depths) for phrase in phrases]


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
    assert {number.row for number in single} == {
        f"ResNet-{depth}" for depth in (20, 32, 44, 56, 1202)
    }
    assert {number.selection for number in single} == {"not stated (one run assumed)"}

import pytest

from benchmark.paper import (
    FIRST,
    PAPERS,
    REPRODUCTIONS,
    SHOWN,
    Published,
    Reproduced,
    departures,
    left_open,
    paper_of,
    told,
)
from benchmark.paper.rows import parsed, rows_of
from benchmark.records import load_published, load_reproductions, load_shown
from benchmark.spec import RunSpec
from benchmark.suite import load_suite

PUBLISHED = PAPERS[FIRST].published


def spec_of(**changes):
    data = {"dataset": {"name": "cifar10"}, "model": {"stem": "cifar", "shortcut": "A"}, "seed": 0}
    for part, fields in changes.items():
        data[part] = {**data.get(part, {}), **fields}
    if "stage_blocks" not in data["model"]:
        data["model"].setdefault("depth", 20)
    return RunSpec.model_validate(data).model_dump(mode="json")


def departures_of(**changes):
    return departures(spec_of(**changes))


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
    assert list(map(told, departures_of(**changes))) == [
        phrase.format(depths=depths) for phrase in phrases
    ]


def test_what_the_paper_leaves_open_is_said_in_words():
    told = left_open(spec_of(model={"zero_pad": "both"}, numerics={"replicas": 2}))
    assert "model.zero_pad is both" in told and "dataset.held_out_images is 0" in told
    assert told[-1].startswith("numerics.replicas is 2 (each normalizes its own share")
    assert not any("zero_pad" in each for each in left_open(spec_of(model={"shortcut": "B"})))


@pytest.mark.parametrize("suite", ["table6", "table2", "table7", "identity-mappings/table2"])
def test_every_field_that_is_called_open_is_one_of_a_spec(suite):
    specs = [
        cell.spec.model_dump(mode="json") for cell in load_suite(f"suites/{suite}.yaml").plan.cells
    ]
    told = {each.partition(" is ")[0] for spec in specs for each in left_open(spec)}
    assert told == {name for spec in specs for name in paper_of(spec).protocol(spec).open} != set()


def value(key):
    return PUBLISHED[key].value


@pytest.mark.parametrize(
    ("net", "phrases"),
    [
        ({"depth": 34, "shortcut": "C"}, []),
        ({"depth": 50, "shortcut": "B"}, []),
        ({"depth": 50, "shortcut": "none"}, []),
        ({"depth": 50, "shortcut": "A"}, ["model.shortcut is A, not none or B"]),
        (
            {"block": "basic", "stage_blocks": [4, 4, 4, 4], "shortcut": "A"},
            ["model.stage_blocks is 4/4/4/4, not 3/4/6/3"],
        ),
        (
            {"block": "basic", "stage_blocks": [6, 6, 6, 6], "shortcut": "B"},
            ["model.block is basic, not bottleneck", "model.stage_blocks is 6/6/6/6, not 3/4/6/3"],
        ),
    ],
)
def test_imagenets_nets_are_those_of_table_1(net, phrases):
    spec = RunSpec.model_validate(
        {
            "dataset": {"name": "imagenet2012", "statistics_images": None},
            "model": {"stem": "imagenet"} | net,
            "optimizer": {"batch_size": 256, "weight_decay_scope": "kernels"},
            "schedule": {"iterations": 600_000, "kind": "plateau"},
            "seed": 0,
        }
    )
    assert list(map(told, departures(spec.model_dump(mode="json")))) == phrases


def test_each_published_number_has_a_key_of_its_own():
    assert len(rows_of(Published, FIRST, "published.csv")) == len(PUBLISHED)


def test_only_runs_have_a_number_of_runs():
    for number in PUBLISHED.values():
        counted = number.column in ("parameters", "multiply_adds")
        assert counted == (number.selected == "arithmetic") == (number.unit == "count")
        uncounted = counted or number.selected == "cited" or number.selected.endswith("several")
        assert (number.n is None) == uncounted
        if uncounted and not counted:
            assert number.cited or (number.is_ensemble and number.table in (13, 14))


def test_what_the_paper_does_not_say_of_its_runs_is_not_claimed():
    own = [number for number in PUBLISHED.values() if not number.cited]
    single = [number for number in own if number.n == 1]
    assert {n.row for n in single if n.table == 6} == {
        f"ResNet-{depth}" for depth in (20, 32, 44, 56, 1202)
    }
    assert {number.selected for number in single} == {"unstated"}
    assert {n.selected for n in own} == {
        *("arithmetic", "unstated", "mean-of-5", "best-of-5"),
        *("ensemble-of-3", "ensemble-of-6", "ensemble-of-several"),
    }


def test_the_paper_prints_no_number_of_plain_nets_on_cifar10():
    assert not [
        n for n in PUBLISHED.values() if n.dataset == "cifar10" and "plain" in n.row.lower()
    ]


@pytest.mark.parametrize(
    ("key", "best_of", "is_best", "is_mean", "is_ensemble"),
    [
        ("table6/ResNet-110/best_test_error_percent", 5, True, False, False),
        ("table6/ResNet-110/test_error_percent", None, False, True, False),
        ("table6/ResNet-56/test_error_percent", None, False, False, False),
        ("table6/Highway-19/best_test_error_percent", None, True, False, False),
        ("table5/ensemble/top5_error_percent", None, False, False, True),
        ("table1/ResNet-18/multiply_adds", None, False, False, False),
    ],
)
def test_how_a_number_was_selected_is_data(key, best_of, is_best, is_mean, is_ensemble):
    number = PUBLISHED[key]
    assert (number.best_of, number.is_best) == (best_of, is_best)
    assert (number.is_mean, number.is_ensemble) == (is_mean, is_ensemble)


def test_best_and_mean_of_the_same_runs_agree():
    best = [number for number in PUBLISHED.values() if number.is_best]
    assert {number.row for number in best} == {"ResNet-110", "Highway-19"}
    for number in best:
        mean = PUBLISHED[number.key.replace("/best_", "/")]
        assert mean.is_mean and mean.sd and mean.n == number.n
        assert 0 < mean.value - number.value < 2 * mean.sd
        assert number.column.startswith("best_")


def test_each_table_is_there_and_each_error_says_how_it_was_looked_at():
    assert {number.table for number in PUBLISHED.values()} == {None, *range(1, 15)}
    for number in PUBLISHED.values():
        assert bool(number.view) == (number.selected != "arithmetic")
    views = {number.table: number.view for number in PUBLISHED.values() if not number.cited}
    assert (views[3], views[6]) == ("10-crop", "single view")


def test_each_number_of_the_papers_own_runs_says_what_they_were_trained_on():
    for number in PUBLISHED.values():
        own_run = number.selected != "arithmetic" and not number.cited
        assert bool(number.trained_on) == own_run, number.key
    trained_on = {(n.dataset, n.split): n.trained_on for n in PUBLISHED.values() if n.table == 9}
    assert trained_on == {("coco2014", "val"): "train", ("coco2014", "test-dev"): "trainval"}
    assert PUBLISHED["table11/ResNet-101 baseline+++/map_percent"].trained_on == "COCO+07++12"


TOP1, TOP5 = "top1_error_percent", "top5_error_percent"
LOCALIZATION = "top5_localization_error_percent"


@pytest.mark.parametrize(
    ("more", "less", "stated"),
    [
        ("table8/ResNet-101/ap_percent", "table8/VGG-16/ap_percent", 6.0),
        ("table8/ResNet-101/ap50_percent", "table8/VGG-16/ap50_percent", 6.9),
        (f"table2/plain-34/{TOP1}", f"table2/ResNet-34 A/{TOP1}", 3.5),
        (f"table2/ResNet-18 A/{TOP1}", f"table2/ResNet-34 A/{TOP1}", 2.8),
        ("table11/ResNet-101 baseline+++/map_percent", "table11/ResNet-101/map_percent", 10.0),
    ],
)
def test_differences_that_the_text_states(more, less, stated):
    assert value(more) - value(less) == pytest.approx(stated, abs=0.1)


@pytest.mark.parametrize(
    ("part", "whole", "stated_percent"),
    [
        ("text/plain-34/multiply_adds", "text/VGG-19/multiply_adds", 18),
        (
            f"table14/ensemble on test/{LOCALIZATION}",
            f"table14/VGG (ILSVRC'14) on test/{LOCALIZATION}",
            36,
        ),
    ],
)
def test_shares_that_the_text_states(part, whole, stated_percent):
    assert round(100 * value(part) / value(whole)) == stated_percent


def test_one_net_is_better_than_every_earlier_ensemble():
    earlier = [n for n in PUBLISHED.values() if n.table == 5 and n.cited]
    assert len(earlier) == 5 and all(number.is_ensemble for number in earlier)
    assert value(f"table4/ResNet-152/{TOP5}") < min(number.value for number in earlier)


def test_numbers_of_one_table_in_another_are_the_same():
    same = [(f"table2/{net}/{TOP1}", f"table3/{net}/{TOP1}") for net in ("plain-34", "ResNet-34 A")]
    for net in ("VGG-16", "ResNet-101"):
        same.append((f"table7/{net}/map_percent", f"table10/{net}/map_percent"))
        same.append((f"table7/{net} (VOC 2012)/map_percent", f"table11/{net}/map_percent"))
    for net in ("ResNet-34", "ResNet-50", "ResNet-152"):
        same.append((f"table1/{net}/multiply_adds", f"text/{net}/multiply_adds"))
    same.append(
        (
            f"table13/ensemble by RPN and R-CNN, dense/{LOCALIZATION}",
            f"table14/ensemble/{LOCALIZATION}",
        )
    )
    for one, other in same:
        assert value(one) == value(other)


def test_frames_hold_every_number():
    paper, later = load_published(), load_reproductions()
    assert len(paper) == sum(len(each.published) for each in PAPERS.values()) and len(later) == len(
        REPRODUCTIONS
    )
    assert {"table", "row", "column", "value", "selected", "trained_on"} <= set(paper)
    assert {"mean", "sd", "n", "values", "departures", "evidence"} <= set(later)
    assert later.groupby("url")["source"].nunique().eq(1).all()


def test_the_error_of_a_best_epoch_never_stands_beside_that_of_a_last_one():
    for number in REPRODUCTIONS:
        chosen = number.is_best or number.epoch == "best"
        assert (number.column == "best_test_error_percent") == chosen


def test_reproductions_are_of_rows_that_stand_once():
    keys = [(n.source, n.url, n.row, n.column, n.view) for n in REPRODUCTIONS]
    assert len(set(keys)) == len(keys)
    assert {(n.dataset, n.split) for n in REPRODUCTIONS} == {
        ("cifar10", "test"),
        ("imagenet", "val"),
    }


def test_departures_of_reproductions_are_in_parts_of_a_run():
    parts = {field.partition(".")[0] for n in REPRODUCTIONS for field in n.departures}
    assert parts and parts <= set(RunSpec.model_fields)


def reproduced(source, row, column="test_error_percent"):
    (found,) = (
        n
        for n in REPRODUCTIONS
        if n.source.startswith(source) and (n.row, n.column) == (row, column) and n.n > 1
    )
    return found


def test_runs_of_one_net_are_there_one_by_one():
    reruns = reproduced("akamaster", "ResNet-56", "best_test_error_percent")
    assert (reruns.n, reruns.epoch) == (6, "best")
    assert reruns.values == (7.4, 7.29, 7.4, 6.89, 8.42, 7.95)
    two = reproduced("gcr", "ResNet-110")
    assert two.values == (6.73, 6.97) and two.departures["optimizer.nesterov"] == "true"
    five = reproduced("nabla0001", "plain-56")
    assert (five.mean, five.sd, five.n, five.values) == (12.95, 0.22, 5, ())


HEADER = ",".join(Reproduced.model_fields)
GOOD = {
    **dict.fromkeys(Reproduced.model_fields, ""),
    **{"row": "ResNet-20", "column": "test_error_percent", "value": "8.5", "unit": "percent"},
    **{"dataset": "cifar10", "split": "test", "view": "single view", "selected": "mean-of-2"},
    **{"n": "2", "mean": "8.5", "sd": "0.14", "values": "8.4;8.6", "epoch": "last"},
    **{"source": "a/b", "url": "https://example.org", "evidence": "its table"},
}


def read(**changes):
    return parsed(Reproduced, f"{HEADER}\n{','.join((GOOD | changes).values())}\n", "a.csv")


def test_a_row_is_read_with_its_types():
    (found,) = read(departures="optimizer.nesterov=true;model.shortcut=B")
    assert (found.value, found.n, found.values) == (8.5, 2, (8.4, 8.6))
    assert found.departures == {"optimizer.nesterov": "true", "model.shortcut": "B"}
    single = {"selected": "single", "n": "1", "mean": "", "sd": "", "values": ""}
    assert (read(**single)[0].mean, read(**single)[0].departures) == (None, {})


@pytest.mark.parametrize(
    "changes",
    [
        {"column": "test_error"},
        {"unit": "points"},
        {"unit": "count"},
        {"view": ""},
        {"dataset": "mnist"},
        {"value": ""},
        {"value": "nan"},
        {"selected": "best"},
        {"selected": "mean-of-1"},
        {"selected": "mean-of-3"},
        {"selected": "mean-of-several"},
        {"n": ""},
        {"values": "8.4;8.6;8.5"},
        {"values": "8.0;8.6"},
        {"sd": "0.3"},
        {"value": "8.6"},
        {"mean": "", "values": ""},
        {"sd": "", "values": ""},
        {"epoch": "first"},
        {"url": "example.org"},
        {"evidence": ""},
        {"departures": "nesterov"},
        {"departures": "optimizer.nesterov=true;optimizer.nesterov=false"},
        {"evidence": "one, cell, too many"},
    ],
)
def test_a_row_that_does_not_fit_is_refused_with_its_place(changes):
    with pytest.raises(ValueError, match=r"^a\.csv, line 2: "):
        read(**changes)


@pytest.mark.parametrize("header", ["", HEADER.removesuffix(",evidence"), f"{HEADER},note"])
def test_other_columns_are_refused(header):
    with pytest.raises(ValueError, match=r"^a\.csv, line 1: "):
        parsed(Reproduced, header, "a.csv")


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

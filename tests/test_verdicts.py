"""Claims and what became of them, on made-up errors."""

import pandas as pd
import pytest
from pydantic import ValidationError

from benchmark.records.frames import Frames
from benchmark.report import verdicts
from benchmark.report.published import published_table
from benchmark.report.values import with_values_at
from benchmark.report.verdicts import judge, verdict_table
from benchmark.spec import RunSpec
from benchmark.suite.claims import claim_of
from benchmark.suite.claims.outcomes import CONSISTENT
from benchmark.suite.claims.planning import prospects
from benchmark.suite.problems import rule_of


def spec(**changes):
    data = {"dataset": {"name": "cifar10"}, "model": {"stem": "cifar", "depth": 20}, "seed": 0}
    data["model"]["shortcut"] = "A"
    for part, fields in changes.items():
        data[part] = {**data.get(part, {}), **fields}
    return RunSpec.model_validate(data).model_dump(mode="json")


def runs(**errors):
    """Variant -> final test errors; None for a run that diverged, a text for another status."""
    rows = []
    for variant, values in errors.items():
        for seed, value in enumerate(values):
            status = value if isinstance(value, str) else "finished"
            rows.append(
                {
                    "variant": variant,
                    "seed": seed,
                    "status": "diverged" if value is None else status,
                    "final_error_percent": None if isinstance(value, str) else value,
                    "final_train_error_percent": None if isinstance(value, str) else value,
                }
            )
    return pd.DataFrame(rows)


def verdict(claim, frame, **specs):
    claim = claim_of(**{"statement": "It is so."} | claim)
    specs = {variant: specs.get(variant, spec()) for variant in claim.variants}
    (found,) = judge([claim], frame, specs)
    return found


PUBLISHED = {"variant": "r20", "published": "table6/ResNet-20/test_error_percent"}
CLOSE = [8.70, 8.74, 8.78, 8.72, 8.76]


@pytest.mark.parametrize(
    ("errors", "outcome"),
    [
        (CLOSE, "reproduced"),
        ([10.4, 10.5, 10.6], "not reproduced"),
        ([8.0, 8.75, 9.5], "inconclusive"),
        ([10.1, 10.2, 10.3], "inconclusive"),
        (CLOSE[:2], "inconclusive"),
        ([*CLOSE, None], "inconclusive"),
        ([*CLOSE[:2], "failed", "planned"], "inconclusive"),
    ],
)
def test_one_published_run(errors, outcome):
    found = verdict(PUBLISHED, runs(r20=errors))
    assert found.outcome == outcome
    if outcome == "reproduced":
        assert found.verdict == CONSISTENT
        assert "consistent with the one published run" in found.sentence
        assert "equal" not in found.sentence


@pytest.mark.parametrize(
    ("errors", "low", "high", "where"),
    [
        # By hand: 8.75 ± 4.303 * 0.75 * sqrt(4/3), and 8.02 ± 2.776 * 0.05701 * sqrt(6/5).
        ([8.0, 8.75, 9.5], 5.02, 12.48, "and that is where"),
        ([7.95, 8.0, 8.0, 8.05, 8.1], 7.85, 8.19, "but that is not where"),
    ],
)
def test_it_is_said_where_one_more_run_would_end(errors, low, high, where):
    found = verdict(PUBLISHED, runs(r20=errors))
    told = f"expected between {low} and {high} (95 %), {where} the published 8.75 lies."
    assert found.sentence.endswith(told)


def test_too_few_runs_are_counted():
    found = verdict(PUBLISHED, runs(r20=CLOSE[:2]))
    assert found.sentence == "Too few runs (r20: 2); the claim asks for 3." and not found.finding


@pytest.mark.parametrize(
    ("key", "errors", "test"),
    [
        ("test_error_percent", [6.5, 6.7, 6.6, 6.62, 6.66], "two one-sided Welch tests"),
        ("best_test_error_percent", [6.45, 6.7, 6.6, 6.62, 6.66], "best of 5"),
    ],
)
def test_a_mean_with_a_mean_and_a_best_with_a_best(key, errors, test):
    claim = {"variant": "r110", "published": f"table6/ResNet-110/{key}", "metric": key}
    warmup = {"learning_rate": 0.01, "until_train_error_percent": 80.0}
    deep = spec(model={"depth": 110}, schedule={"warmup": warmup})
    found = verdict(claim, runs(r110=errors), r110=deep)
    assert found.verdict == "reproduced" and test in found.finding.test
    few = verdict(claim, runs(r110=errors[:3]), r110=deep)
    assert few.verdict == ("inconclusive" if "best" in key else "reproduced")


@pytest.mark.parametrize(
    "changes",
    [
        {"dataset": {"name": "cifar10-subset"}},
        {"schedule": {"iterations": 400, "drops": []}},
        {"numerics": {"precision": "mixed_bfloat16"}},
    ],
)
def test_a_departure_makes_it_not_comparable_and_is_listed(changes):
    found = verdict(PUBLISHED, runs(r20=CLOSE), r20=spec(**changes))
    assert found.verdict == "not comparable" and found.departures
    assert "departure" in found.sentence and "As the runs stand" in found.sentence


AGAINST = {"variant": "plain", "against": "r20", "direction": "higher"}


@pytest.mark.parametrize(
    ("errors", "direction", "outcome", "where"),
    [
        ([85.0, 84.0, 86.0], "higher", "reproduced", "lies above 60"),
        ([85.0, 84.0, 86.0], "lower", "not reproduced", "lies above 60"),
        ([50.0, 51.0, 49.0], "higher", "not reproduced", "lies below 60"),
        ([55.0, 75.0, 65.0], "higher", "inconclusive", "lies on both sides of 60"),
        ([85.0, None, None], "higher", "inconclusive", "lies on both sides of 60"),
    ],
)
def test_a_stated_bound(errors, direction, outcome, where):
    claim = {"variant": "deep", "bound": 60.0, "direction": direction}
    found = verdict(claim, runs(deep=errors))
    assert found.verdict == outcome and where in found.sentence


THROUGHOUT = {"variant": "b", "against": "a", "direction": "higher", "least_seeds": 4}
THROUGHOUT |= {"metric": "train_error_percent", "at": [10, 30]}


def at(frame, curves, claim, layers=None):
    layers = pd.DataFrame() if layers is None else layers
    return with_values_at(Frames(frame, curves, layers), [claim])


@pytest.mark.parametrize(
    ("ends_at", "later", "outcome", "said"),
    [
        (20, [60.0, 61.0, 62.0, 63.0], "reproduced", "10 and 30 iterations, where it is least,"),
        (20, [60.0, 61.0, 22.0, 63.0], "inconclusive", "probability 0.75"),
        (20, [20.0, 21.0, 22.0, 23.0], "not reproduced", "against it p = 0.0286"),
        (15, [60.0, None, 62.0, 63.0], "inconclusive", "With 1 lost run"),
        (31, [60.0, 61.0, 62.0, 63.0], "reproduced", "holds"),  # The epoch before counts.
    ],
)
def test_a_claim_on_iterations_must_hold_at_each(ends_at, later, outcome, said):
    claim = claim_of(statement="Throughout.", **THROUGHOUT)
    ends = {"a": [30.0, 31.0, 32.0, 33.0], "b": later}
    frame = runs(**ends)
    frame["run_id"] = frame["variant"] + frame["seed"].astype(str)
    early = frame["variant"].map({"a": 40.0, "b": 80.0}) + frame["seed"]
    curves = pd.concat(
        [
            frame.assign(iteration=5, train_error_percent=99.0),
            frame.assign(iteration=10, train_error_percent=early),
            frame.assign(iteration=ends_at, train_error_percent=frame["final_error_percent"]),
        ]
    )
    found = verdict(THROUGHOUT, at(frame, curves, claim), a=spec(), b=spec(model={"depth": 56}))
    assert found.verdict == outcome and said in found.sentence


def test_iterations_that_no_epoch_had_ended_by_have_no_value():
    frame = runs(a=[1.0] * 4, b=[2.0] * 4)
    frame["run_id"] = frame["variant"] + frame["seed"].astype(str)
    curves = frame.assign(iteration=11, train_error_percent=5.0)
    claim = claim_of(statement="Throughout.", **THROUGHOUT)
    found = verdict(THROUGHOUT, at(frame, curves, claim))
    assert found.verdict == "inconclusive" and "Too few runs (b: 0, a: 0)" in found.sentence


@pytest.mark.parametrize(
    "changes",
    [
        {"direction": "equal"},
        {"difference": 1.0},
        {"metric": "mean_response_std"},
        {"at": [30, 10]},
        {"at": [10, 10]},
        {"at": [0]},
        {"at": []},
    ],
)
def test_iterations_that_do_not_fit_a_claim_are_refused(changes):
    with pytest.raises(ValidationError) as caught:
        claim_of(statement="So", **THROUGHOUT | changes)
    place, _, _ = rule_of(caught.value.errors()[0])
    assert place == ("at",)


def test_a_bound_is_no_direction_of_the_family():
    claims = [
        claim_of(statement="So", variant="a", against="b", direction="lower"),
        claim_of(statement="So too", variant="a", bound=60.0, direction="lower"),
    ]
    frame = runs(a=[1.0, 2.0, 3.0], b=[4.0, 5.0, 6.0])
    alone, _ = judge(claims, frame, {"a": spec(), "b": spec()})
    assert alone.finding.p == pytest.approx(1 / 20)


def test_a_direction_and_its_opposite():
    frame = runs(plain=[9.0, 9.1, 9.2, 9.3], r20=[8.0, 8.1, 8.2, 8.3])
    assert verdict(AGAINST, frame).verdict == "reproduced"
    assert verdict(AGAINST | {"direction": "lower"}, frame).verdict == "not reproduced"
    assert verdict(AGAINST | {"direction": "equal"}, frame).verdict == "not reproduced"


def test_what_only_one_of_the_variants_departs_in_is_what_is_compared():
    frame = runs(plain=[9.0, 9.1, 9.2, 9.3], r20=[8.0, 8.1, 8.2, 8.3])
    other = spec(model={"batch_norm": None})
    assert verdict(AGAINST, frame, plain=other).verdict == "reproduced"
    short = {"schedule": {"iterations": 400, "drops": []}}
    both = verdict(AGAINST, frame, plain=spec(**short), r20=spec(**short))
    assert both.verdict == "not comparable" and len(both.departures) == 2


@pytest.mark.parametrize(
    ("plain", "r20"),
    [
        (
            {"schedule": {"iterations": 400, "drops": []}},
            {"schedule": {"iterations": 500, "drops": []}},
        ),
        ({"model": {"depth": 8}}, {"model": {"depth": 14}}),
        ({"schedule": {"learning_rate": 0.01}}, {"optimizer": {"batch_size": 64}}),
    ],
    ids=["other values of one field", "depths", "one field each"],
)
def test_variants_that_each_depart_are_not_comparable(plain, r20):
    frame = runs(plain=[9.0, 9.1, 9.2, 9.3], r20=[8.0, 8.1, 8.2, 8.3])
    found = verdict(AGAINST, frame, plain=spec(**plain), r20=spec(**r20))
    assert found.verdict == "not comparable" and len(found.departures) >= 2


def test_runs_that_all_diverged_are_not_equal():
    frame = runs(plain=[None, None, None], r20=[None, None, None])
    found = verdict(AGAINST | {"direction": "equal"}, frame)
    assert found.verdict == "inconclusive" and found.finding.lost == 6


def test_little_difference_needs_an_equivalence():
    near = runs(plain=[8.0, 8.1, 8.2, 8.1], r20=[8.0, 8.1, 8.2, 8.15])
    assert verdict(AGAINST | {"direction": "equal"}, near).verdict == "reproduced"
    noisy = runs(plain=[6.0, 8.0, 10.0], r20=[6.1, 8.1, 9.9])
    assert verdict(AGAINST | {"direction": "equal"}, noisy).verdict == "inconclusive"


def test_a_trend_over_depth():
    claim = {"trend": ("r20", "r32", "r44"), "direction": "lower"}
    frame = runs(r20=[8.7, 8.8, 8.6, 8.5], r32=[7.5, 7.6, 7.4, 7.3], r44=[7.2, 7.1, 7.25, 7.0])
    found = verdict(claim, frame, r32=spec(model={"depth": 32}), r44=spec(model={"depth": 44}))
    assert found.verdict == "reproduced"
    assert verdict(claim | {"direction": "higher"}, frame).verdict == "not reproduced"


def test_a_family_is_corrected():
    frame = runs(plain=[9.0, 9.1, 9.2, 9.3], r20=[8.0, 8.1, 8.2, 8.3])
    claims = [claim_of(statement="a", **AGAINST), claim_of(statement="b", **AGAINST)]
    specs = {"plain": spec(), "r20": spec()}
    alone, family = judge(claims[:1], frame, specs), judge(claims, frame, specs)
    assert family[0].finding.p == pytest.approx(2 * alone[0].finding.p)
    assert list(verdict_table(family)["verdict"]) == ["reproduced"] * 2
    assert list(verdicts.finding_table(family)["runs"]) == ["4/4"] * 2


def responses(**values):
    frame = runs(**values)
    return frame.assign(mean_response_std=frame["final_error_percent"])


def test_a_run_that_diverged_has_no_response():
    claim = {"variant": "a", "against": "b", "direction": "lower", "metric": "mean_response_std"}
    low, high = [0.1, 0.2, 0.3, 0.15, 0.25], [1.0, 1.1, 1.2, 1.3, 1.4]
    assert verdict(claim, responses(a=low, b=high)).verdict == "reproduced"
    one = verdict(claim, responses(a=low, b=[*high, None]))
    assert (one.verdict, one.finding.effect) == ("reproduced", pytest.approx(25 / 30))
    found = verdict(claim, responses(a=low, b=[*high[:3], None, None]))
    assert found.verdict == "inconclusive" and found.finding.lost == 2


def test_a_departure_that_is_part_of_the_claim_makes_it_no_less_comparable():
    claim = {"variant": "a", "against": "b", "direction": "lower"}
    frame = runs(a=[5.0, 5.1, 5.2, 5.3], b=[9.0, 9.1, 9.2, 9.3])
    without = spec(model={"batch_norm": None}, schedule={"learning_rate": 0.01})
    specs = {"a": without, "b": without}
    found = verdict(claim, frame, **specs)
    assert (found.verdict, found.outcome) == ("not comparable", "reproduced")
    assert found.words == "not comparable (as run: reproduced)"
    one = claim | {"departs_in": ["model.batch_norm"]}
    found = verdict(one, frame, **specs)
    assert found.verdict == "not comparable"
    assert found.departures == ("schedule.learning_rate is 0.01, not 0.1",)
    both = claim | {"departs_in": ["model.batch_norm", "schedule.learning_rate"]}
    assert verdict(both, frame, **specs).verdict == "reproduced"
    this_rate = claim | {"departs_in": ["model.batch_norm", "schedule.learning_rate=0.01"]}
    assert verdict(this_rate, frame, **specs).verdict == "reproduced"
    other_rate = claim | {"departs_in": ["model.batch_norm", "schedule.learning_rate=0.001"]}
    assert verdict(other_rate, frame, **specs).verdict == "not comparable"


@pytest.mark.parametrize(
    ("schedule", "at", "departing"),
    [
        ({"iterations": 782, "drops": []}, [782], []),
        ({"iterations": 1000, "drops": [900]}, [391, 782], []),
        ({"iterations": 1000, "drops": [782]}, [391, 782], ["drops", "iterations"]),
        ({"iterations": 1000, "drops": [900]}, None, ["drops", "iterations"]),
        ({"iterations": 40_000, "drops": []}, [31_250], []),
        ({"iterations": 40_000, "drops": []}, [35_000], ["drops"]),
        ({"iterations": 70_000, "drops": [32_000, 48_000]}, [31_250], []),
        ({"iterations": 70_000, "drops": [32_000, 48_000]}, [60_000], ["iterations"]),
        ({"iterations": 1000, "drops": [900], "learning_rate": 0.2}, [391], ["learning_rate"]),
        ({"kind": "cosine", "iterations": 1000}, [391], ["iterations", "kind"]),
    ],
)
def test_what_a_schedule_does_after_a_claims_last_iteration_is_no_departure(
    schedule, at, departing
):
    claim = {"variant": "a", "against": "b", "direction": "lower", "metric": "train_error_percent"}
    at_iterations = {"at": at} if at else {}
    assert departing_fields(claim | at_iterations, spec(schedule=schedule)) == departing


def test_epochs_of_a_shorter_run_have_to_end_where_the_papers_do():
    """At 390.625 iterations an epoch, a run of 400 has one epoch, of 400."""
    short = spec(schedule={"iterations": 400, "drops": []})
    error = {"variant": "a", "bound": 90, "direction": "lower", "metric": "train_error_percent"}
    assert departing_fields(error | {"at": [400]}, short) == ["iterations"]
    gradients = error | {"metric": "gradient_norm_decades", "bound": 2}
    assert departing_fields(gradients | {"at": [400]}, short) == []


def test_a_drop_before_the_claims_last_iteration_departs_where_the_paper_states_no_drops():
    images = {"dataset": {"name": "imagenet2012"}, "model": {"stem": "imagenet", "depth": 18}}
    claim = {"variant": "a", "bound": 60, "direction": "lower", "metric": "train_error_percent"}
    imagenet = {**images, "optimizer": {"batch_size": 256}}
    early = {"kind": "piecewise", "iterations": 50_000, "drops": [25_000, 37_500]}
    late = early | {"drops": []}
    early, late = (spec(**imagenet, schedule=schedule) for schedule in (early, late))
    assert departing_fields(claim | {"at": [50_000]}, early) == ["iterations"]
    assert departing_fields(claim | {"at": [45_042]}, late) == []


def departing_fields(claim, of_all):
    """The fields of the schedule in which a claim's runs depart, all with one spec."""
    none = pd.DataFrame({"variant": [], "seed": [], "status": []})
    found = verdict(claim, none, a=of_all, b=of_all).departures
    fields = [text.split(" ")[0] for text in found]
    return sorted(f.removeprefix("schedule.") for f in fields if f.startswith("schedule."))


def undecidable(claims, seeds, **specs):
    specs = specs or {"a": spec(), "b": spec()}
    return sum(each.chance == 0 for each in prospects(claims, seeds, specs))


def claims(count, **fields):
    fields = {"direction": "lower", "least_seeds": 2} | fields
    return [claim_of(statement=f"{n}", variant="a", against="b", **fields) for n in range(count)]


@pytest.mark.parametrize(
    ("count", "seeds", "inconclusive"),
    [(1, 3, 0), (2, 3, 2), (12, 5, 0), (13, 5, 13), (1, 2, 1)],
)
def test_what_seeds_can_show_at_best_is_known_beforehand(count, seeds, inconclusive):
    family = claims(count)
    assert undecidable(family, seeds) == inconclusive
    frame = runs(a=[5.0 + n / 100 for n in range(seeds)], b=[9.0 + n / 100 for n in range(seeds)])
    found = judge(family, frame, {"a": spec(), "b": spec()})
    assert sum(v.verdict == "inconclusive" for v in found) == inconclusive


def test_too_few_seeds_are_told_beforehand_too():
    assert undecidable(claims(1, least_seeds=5, direction="equal"), 4) == 1
    assert undecidable(claims(1, least_seeds=5, direction="equal"), 5) == 0


TEN_CROPS = {
    "statement": "As published.",
    "variant": "a",
    "published": "table3/ResNet-50/top1_error_percent",
    "metric": "top1_error_percent",
    "protocol": "ten-crop-256",
}


def test_a_claim_on_a_protocol_is_judged_by_what_the_runs_were_tested_by():
    specs = {"a": imagenet_spec()}
    errors = {"ten-crop-256.top1_error_percent": [22.8, 22.9, 22.85]}
    frame = runs(a=[30.0, 30.0, 30.0])
    (untested,) = judge([claim_of(**TEN_CROPS)], frame, specs)
    assert untested.verdict == "inconclusive" and "Too few runs" in untested.sentence
    (tested,) = judge([claim_of(**TEN_CROPS)], frame.assign(**errors), specs)
    assert tested.outcome == "reproduced" and abs(tested.finding.effect) < 0.01
    (other,) = judge(
        [claim_of(**TEN_CROPS)], frame.assign(**errors), {"a": imagenet_spec(lighting=False)}
    )
    assert other.verdict == "not comparable"
    assert other.departures == ("dataset.lighting is False, not True",)


def imagenet_spec(**dataset):
    return RunSpec.model_validate(
        {
            "dataset": {"name": "imagenet2012", "statistics_images": None, **dataset},
            "model": {"stem": "imagenet", "depth": 50, "shortcut": "B"},
            "optimizer": {"batch_size": 256, "weight_decay_scope": "kernels"},
            "schedule": {"iterations": 600_000, "kind": "plateau"},
            "seed": 0,
        }
    ).model_dump(mode="json")


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"protocol": None}, "protocol", "is stated with the metrics top1_error_percent"),
        ({"metric": "test_error_percent"}, "protocol", "with no other"),
        ({"protocol": "ten-crop"}, "protocol", "with its shorter sides"),
        ({"protocol": "twenty-crop-256"}, "protocol", "with its shorter sides"),
        ({"protocol": "center-crop-256"}, "published", "by center-crop-256: none"),
        ({"published": "table4/ResNet-50/top1_error_percent"}, "published", "by ten-crop-256"),
    ],
)
def test_a_protocol_fits_the_metric_and_the_published_number(changes, field, rule):
    with pytest.raises(ValidationError) as error:
        claim_of(**{**TEN_CROPS, **changes})
    place, told, _ = rule_of(error.value.errors()[0])
    assert (place, rule in told) == ((field,), True)


VIEWS = "multi-scale-224-256-384-480-640"


def test_an_ensemble_is_compared_with_a_published_one_and_its_members_departures_count():
    claim = {
        "ensemble": ["a", "b"],
        "published": "table5/ensemble/top5_error_percent",
        "metric": "top5_error_percent",
        "protocol": VIEWS,
    }
    frame = pd.DataFrame(
        {"variant": ["a + b"] * 3, "seed": [0, 1, 2], "status": ["finished"] * 3}
        | {f"{VIEWS}.top5_error_percent": [3.5, 3.6, 3.7]}
    )
    other = spec()
    other["optimizer"]["batch_size"] = 64
    found = verdict(claim, frame, b=other)
    assert found.verdict == "not comparable"
    assert "optimizer.batch_size is 64, not 128" in found.departures
    assert found.departures[-1] == "the images are ImageNet's validation set, not its test server's"
    assert found.finding.effect == pytest.approx(0.03)
    assert found.sentence.startswith("2 departures from the paper's protocol: optimizer.batch")
    table = published_table([found], frame).to_dict("records")
    assert table[0]["measured"] == pytest.approx(3.6) and table[0]["runs"] == 3
    assert (table[0]["published"], table[0]["of"]) == (3.57, "a + b")

    frame.loc[1, ["status", f"{VIEWS}.top5_error_percent"]] = "diverged", None
    found = verdict(claim, frame)
    assert abs(found.finding.effect - 3.57) > 20 and found.finding.lost == 1
    assert found.sentence.startswith("1 departure from the paper's protocol: the images are")


def test_what_was_measured_stands_beside_what_was_published_however_few_the_runs():
    def row(claim, frame):
        return published_table([verdict(claim, frame)], frame).to_dict("records")[0]

    one = row(PUBLISHED, runs(r20=[9.0]))
    assert (one["published"], one["measured"], one["runs"]) == (8.75, 9.0, 1)
    assert pd.isna(one["sd of ours"]) and one["verdict"] == "inconclusive"
    none = row(PUBLISHED, runs(other=[9.0]))
    assert none["runs"] == 0 and pd.isna(none["measured"])
    diverged = row(PUBLISHED, runs(r20=[9.0, 9.0, None]))
    assert diverged["diverged"] == 1 and pd.isna(diverged["measured"])
    best = {"variant": "r110", "published": "table6/ResNet-110/best_test_error_percent"}
    best |= {"metric": "best_test_error_percent"}
    assert pd.isna(row(best, runs(r110=[6.7, 6.4, 6.6]))["measured"])
    five = row(best, runs(r110=[6.7, 6.4, 6.6, 6.8, 6.9]))
    assert five["measured"] == pytest.approx(6.4)


@pytest.mark.parametrize(("error", "outcome"), [(28.4, "reproduced"), (28.7, "not reproduced")])
def test_published_weights_are_judged_by_one_run_without_chance(error, outcome):
    claim = {
        "variant": "vgg16",
        "published": "table3/VGG-16/top1_error_percent",
        "metric": "top1_error_percent",
        "protocol": "ten-crop-256",
        "departs_in": ["dataset", "optimizer", "schedule", "pretrained"],
    }
    own = spec()
    own["model"] = {"family": "vgg", "depth": 16}
    own["dataset"]["name"] = "imagenet2012"
    own["pretrained"] = {"source": "keras-applications", "name": "VGG16", "mode": "as-published"}
    frame = pd.DataFrame(
        {"variant": ["vgg16"], "seed": [0], "status": ["finished"]}
        | {"ten-crop-256.top1_error_percent": [error]}
    )
    found = verdict(claim, frame, vgg16=own)
    assert found.verdict == outcome and found.departures == ()
    side = "within" if outcome == "reproduced" else "beyond"
    assert (
        found.sentence
        == f"The difference is {error - 28.07:+.2f} points, {side} the margin of 0.5."
    )
    assert not undecidable([found.claim], 1, vgg16=own)
    assert undecidable([found.claim], 1, vgg16=spec())


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"variant": "a"}, "is stated where ensemble is not"),
        ({"ensemble": ["a", "a"]}, "names each variant once"),
        ({"published": None, "against": "c", "direction": "lower"}, "is stated with published"),
    ],
)
def test_what_is_no_claim_of_an_ensemble_is_refused(changes, rule):
    stated = {
        "statement": "It is so.",
        "ensemble": ["a", "b"],
        "published": "table5/ensemble/top5_error_percent",
        "metric": "top5_error_percent",
        "protocol": VIEWS,
    }
    with pytest.raises(ValueError, match=rule):
        claim_of(**(stated | changes))

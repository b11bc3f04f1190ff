"""What the paper's text says, as claims of suites; and margins that seeds can decide."""

import pandas as pd
import pytest
from pydantic import ValidationError
from test_claims import exactly, runs, spec

from benchmark.paper import PUBLISHED
from benchmark.records.frames import Frames
from benchmark.report.values import with_values_at
from benchmark.report.verdicts import judge
from benchmark.suite import load_suite
from benchmark.suite.claims import claim_of
from benchmark.suite.claims.planning import prospects
from benchmark.suite.problems import rule_of


def claimed(suite):
    return load_suite(f"suites/{suite}.yaml").suite.claims


def the(suite, **fields):
    (found,) = [
        claim
        for claim in claimed(suite)
        if all(getattr(claim, name, None) == value for name, value in fields.items())
    ]
    return found


def top1(table, row):
    return PUBLISHED[f"table{table}/{row}/top1_error_percent"].value


def test_table_2_has_the_plain_nets_and_the_18_layer_ones():
    plain = the("table2", variant="plain34", against="plain18", protocol="ten-crop-256")
    apart = top1(2, "plain-34") - top1(2, "plain-18")
    assert plain.direction == "higher" and plain.margin == pytest.approx(apart)
    alike = the("table2", variant="resnet18-A", against="plain18")
    assert alike.direction == "equal" and alike.margin <= apart + 1e-9


@pytest.mark.parametrize("option", "ABC")
def test_each_option_is_better_than_plain_by_what_table_3_has(option):
    claim = the("table3", variant=f"resnet34-{option}", against="plain34")
    apart = top1(3, "plain-34") - top1(3, f"ResNet-34 {option}")
    assert claim.direction == "lower" and claim.margin == pytest.approx(apart)


def test_the_differences_of_the_options_are_small_beside_what_they_gain():
    claim = the("table3", variant="resnet34-C", against="resnet34-A")
    values = [top1(3, f"ResNet-34 {option}") for option in "ABC"]
    gain = top1(3, "plain-34") - max(values)
    assert claim.direction == "equal"
    assert max(values) - min(values) < claim.margin <= gain / 2


def test_resnet_152_is_held_against_the_best_of_the_earlier_ensembles():
    claim = the("table4", variant="resnet152", direction="lower", metric="top5_error_percent")
    earlier = [n.value for n in PUBLISHED.values() if n.table == 5 and n.cited]
    own = PUBLISHED["table4/ResNet-152/top5_error_percent"].value
    assert claim.bound == min(earlier) and claim.margin == pytest.approx(claim.bound - own)


def test_resnet_1202_and_the_warm_up():
    below = the("table6-1202", variant="resnet1202", bound=0.1)
    assert (below.metric, below.direction) == ("train_error_percent", "lower")
    over, late, early = (claim for claim in claimed("warmup") if getattr(claim, "at", None))
    assert (over.metric, over.at, over.direction) == ("learning_rate", (782,), "higher")
    assert 0.01 < over.bound < 0.1  # Above the warm-up's rate.
    assert (late.at[-1], late.direction, early.direction) == (782, "higher", "lower")
    assert 80 < late.bound == early.bound < 90


@pytest.mark.parametrize("suite", ["longer", "plain-bottleneck"])
def test_footnotes_3_and_4_are_of_plain_nets(suite):
    loaded = load_suite(f"suites/{suite}.yaml")
    specs = {cell.variant: cell.spec for cell in loaded.plan.cells}
    assert {each.model.shortcut for each in specs.values()} == {"none"}
    longer = {each.schedule.iterations // 600_000 for each in specs.values()}
    blocks = {each.model.block for each in specs.values()}
    assert (longer, blocks) == (({3}, {"basic"}) if suite == "longer" else ({1}, {"bottleneck"}))
    plain = {variant: each.model_dump(mode="json") for variant, each in specs.items()}
    none = pd.DataFrame({"variant": [], "seed": [], "status": []})
    assert all(v.departures == () for v in judge(loaded.suite.claims, none, plain))


@pytest.mark.parametrize(("table", "most"), [("table2", 6), ("table3", 9), ("table4", 6)])
def test_a_perfect_reproduction_of_imagenets_tables_can_be_told(table, most):
    loaded = load_suite(f"suites/{table}.yaml")
    specs = {c.variant: c.spec.model_dump(mode="json") for c in loaded.plan.cells}
    found = prospects(loaded.suite.claims, 5, specs)
    published = [each for each in found if hasattr(each.claim, "published")]
    assert len(published) >= 4
    assert all(each.seeds and each.seeds <= most for each in published)
    text = loaded.path.read_text()
    assert "# Margins of published numbers" in text


def layers(norms):
    """Run -> iteration -> norms of convolutions; and that of a projection, which does not count."""
    rows = [
        {"run_id": run, "iteration": iteration, "number": n + 1, "gradient_norm": norm}
        for run, each in norms.items()
        for iteration, values in each.items()
        for n, norm in enumerate(values)
    ]
    projection = {"run_id": "a0", "iteration": 0, "number": None, "gradient_norm": 1e9}
    return pd.DataFrame([*rows, projection])


def test_gradients_are_compared_in_powers_of_ten_at_an_iteration():
    claim = claim_of(
        statement="Healthy.", variant="a", bound=2, direction="lower", margin=0.3,
        metric="gradient_norm_decades", at=[0, 20],
    )  # fmt: skip
    frame = runs(a=[1.0, 1.0, 1.0, 1.0]).assign(run_id=["a0", "a1", "a2", "a3"])
    norms = {
        "a0": {0: [1000.0, 10.0, 1.0], 20: [2.0, 1.0]},
        "a1": {0: [0.5, 5.0], 10: [1.0, 100.0]},
        "a2": {0: [1.0, 0.0]},
    }
    curves = pd.DataFrame({"run_id": [], "iteration": []})
    made = with_values_at(Frames(frame, curves, layers(norms)), [claim])
    assert made["gradient_norm_decades@0"].tolist()[:3] == pytest.approx([3, 1, 80])
    assert made["gradient_norm_decades@20"].tolist()[:2] == pytest.approx([0.30103, 2])
    assert made["gradient_norm_decades@0"].isna().tolist() == [False] * 3 + [True]


def test_plain_56s_gradients_before_the_first_step_are_not_healthy():
    """By what is less than its runs had: 490 to 2,190 times from layer to layer."""
    first = claimed("gradients")[0]
    assert first.variant == "plain56-start" and first.at == (0,)
    specs = {first.variant: spec(56, "none")}
    frame = runs(**{first.variant: [1.0] * 3})
    frame = frame.assign(**{"gradient_norm_decades@0": [2.69, 3.1, 3.34]})
    (found,) = judge([first], frame, specs)
    assert found.verdict == "not reproduced"
    healthy = frame.assign(**{"gradient_norm_decades@0": exactly(0.5, 0.1, 3)})
    assert judge([first], healthy, specs)[0].verdict == "reproduced"


@pytest.mark.parametrize("suite", ["gradients", "warmup"])
def test_claims_on_the_beginning_are_comparable_by_runs_that_end_early(suite):
    loaded = load_suite(f"suites/{suite}.yaml")
    specs = {c.variant: c.spec.model_dump(mode="json") for c in loaded.plan.cells}
    assert len({each["schedule"]["iterations"] for each in specs.values()}) > 1
    none = pd.DataFrame({"variant": [], "seed": [], "status": []})
    assert all(v.departures == () for v in judge(loaded.suite.claims, none, specs))


def test_the_warm_up_is_judged_by_the_rate_of_an_epoch():
    over = next(claim for claim in claimed("warmup") if claim.metric == "learning_rate")
    frame = runs(**{over.variant: [7.0] * 5}).assign(run_id=list("abcde"))
    ends = pd.DataFrame({"run_id": list("abcde"), "iteration": 391, "learning_rate": 0.01})
    for rate, verdict in ((0.1, "reproduced"), (0.01, "inconclusive")):
        curves = pd.concat([ends, ends.assign(iteration=782, learning_rate=rate)])
        made = with_values_at(Frames(frame, curves, pd.DataFrame()), [over])
        (found,) = judge([over], made, {over.variant: spec(110)})
        assert found.verdict == verdict and found.finding.effect == (rate == 0.1)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"bound": 2, "direction": "lower", "metric": "gradient_norm_decades"}, "at"),
        ({"bound": 2, "direction": "lower", "metric": "learning_rate", "at": [0]}, "at"),
        ({"bound": 2, "direction": "lower", "metric": "mean_response_std", "at": [5]}, "at"),
        ({"bound": 2, "direction": "lower", "metric": "gradient_norm_decades", "at": [-1]}, "at"),
        ({"against": "b", "direction": "equal", "metric": "learning_rate"}, "metric"),
        ({"diverge_percent": 5, "direction": "lower", "metric": "learning_rate"}, "metric"),
    ],
)
def test_what_is_measured_on_the_way_is_claimed_of_iterations(fields, field):
    with pytest.raises(ValidationError) as caught:
        claim_of(statement="So.", variant="a", **fields)
    assert rule_of(caught.value.errors()[0])[0] == (field,)


@pytest.mark.parametrize("form", ["multi-scale", "multi-scale-sliding"])
def test_both_forms_of_fully_convolutional_testing_are_the_papers(form):
    stated = {
        "statement": "As published.",
        "variant": "a",
        "published": "table4/ResNet-50/top1_error_percent",
        "metric": "top1_error_percent",
    }
    claim = claim_of(**stated, protocol=f"{form}-224-256-384-480-640")
    assert claim.number.value == top1(4, "ResNet-50")
    with pytest.raises(ValidationError):
        claim_of(**stated, protocol=f"{form}-224-256")

"""Claims on detectors, differences of a stated amount, and where a detector's run departs."""

import pandas as pd
import pytest
from detection_records import classifier_spec, detector_spec
from pydantic import ValidationError

from benchmark.metrics import BY_CLAIM
from benchmark.paper import PUBLISHED, departures, published_for, section, told
from benchmark.report.published import published_table
from benchmark.report.suite_report import _sections
from benchmark.report.verdicts import finding_table, judge
from benchmark.suite import SuiteError, load_suite
from benchmark.suite.claims import Setting, claim_of
from benchmark.suite.claims.outcomes import CONSISTENT
from benchmark.suite.problems import rule_of

VGG = {"model": {"family": "vgg", "depth": 16}}
PAPERS = detector_spec("coco2014")


def runs(column="final_ap_percent", **precisions):
    """Variant -> values of a column; None for a run that diverged."""
    return pd.DataFrame(
        [
            {
                "variant": variant,
                "seed": seed,
                "status": "diverged" if value is None else "finished",
                column: value,
            }
            for variant, values in precisions.items()
            for seed, value in enumerate(values)
        ]
    )


JOINT = "detector.training is approximate-joint, not alternating"
"""Proposals and detector are trained at once here."""


def verdict(claim, frame, specs=None):
    fields = {"statement": "It is so.", "metric": "ap_percent", "departs_in": ["detector.training"]}
    claim = claim_of(**fields | claim)
    specs = {variant: PAPERS for variant in claim.variants} | (specs or {})
    return judge([claim], frame, specs)[0]


BETTER = {"variant": "deep", "against": "vgg", "direction": "higher"}
BY_SIX = BETTER | {"difference": 6.0}


@pytest.mark.parametrize("metric", ["ap_percent", "ap50_percent", "map_percent"])
def test_each_published_precision_can_be_named(metric):
    single = [
        number
        for number in PUBLISHED.values()
        if number.column == metric and not number.selection.startswith("ensemble")
    ]
    assert single
    for number in single:
        claim = claim_of(statement="s", variant="v", published=number.key, metric=metric)
        assert claim.columns == (f"final_{metric}",) and BY_CLAIM[metric].better == "higher"


def test_one_detector_is_not_compared_with_an_ensemble():
    with pytest.raises(ValidationError, match="must be one of the published numbers"):
        verdict({"variant": "v", "published": "table9/ensemble on test-dev/ap_percent"}, runs())


@pytest.mark.parametrize(
    ("values", "outcome"),
    [([27.1, 27.2, 27.3], "reproduced"), ([24.0, 24.1, 24.2], "not reproduced")],
)
def test_a_published_precision(values, outcome):
    published = {"variant": "deep", "published": "table8/ResNet-101/ap_percent"}
    found = verdict(published, runs(deep=values))
    assert found.outcome == outcome
    assert found.sentence.startswith(f"The difference is {values[1] - 27.2:+.2f} points;")
    (row,) = published_table([found], runs(deep=values)).to_dict("records")
    assert (row["published"], row["measured"]) == (27.2, pytest.approx(values[1]))


@pytest.mark.parametrize(
    ("key", "metric", "phrase"),
    [
        ("table9/ResNet-101 on test-dev/ap_percent", "ap_percent", "COCO's validation set"),
        ("table7/ResNet-101 (VOC 2012)/map_percent", "map_percent", "VOC 2012's test server"),
    ],
)
def test_hidden_images_make_it_not_comparable(key, metric, phrase):
    frame = runs(f"final_{metric}", deep=[30.0, 30.1, 30.2])
    found = verdict({"variant": "deep", "published": key, "metric": metric}, frame)
    assert found.verdict == "not comparable" and phrase in found.departures[-1]


def test_higher_is_better_and_a_lost_run_counts_against_the_claim():
    frame = runs(deep=[27.0, 27.1, 27.2, 27.3], vgg=[21.0, 21.1, 21.2, 21.3])
    assert verdict(BETTER, frame).verdict == "reproduced"
    frame = runs(deep=[27.0, 27.1, 27.2, None], vgg=[21.0, 21.1, 21.2, 21.3])
    assert verdict(BETTER, frame).finding.effect == pytest.approx(12 / 16)
    frame = runs(deep=[27.0, 27.1, 27.2, 27.3], vgg=[21.0, 21.1, 21.2, None])
    assert verdict(BETTER, frame).finding.effect == pytest.approx(12 / 16)
    found = verdict(BY_SIX, frame)
    assert found.verdict == "inconclusive" and found.finding.lost == 1


@pytest.mark.parametrize(
    ("deep", "outcome", "where"),
    [
        (27.2, "reproduced", "lies within the margin of 0.5 around the stated +6."),
        (23.2, "not reproduced", "lies beyond the margin of 0.5 around the stated +6."),
        (31.2, "not reproduced", "lies beyond"),
        (26.75, "inconclusive", "does not decide"),
    ],
)
def test_a_difference_of_a_stated_amount(deep, outcome, where):
    frame = runs(deep=[deep - 0.1, deep, deep + 0.1], vgg=[21.1, 21.2, 21.3])
    found = verdict(BY_SIX, frame)
    assert found.verdict == outcome and where in found.sentence
    assert found.sentence.startswith(f"The difference is {deep - 21.2:+.2f} points; its 90 %")
    low, high = found.finding.interval
    assert (low + high) / 2 == pytest.approx(deep - 21.2)
    turned = BY_SIX | {"variant": "vgg", "against": "deep", "direction": "lower"}
    again = verdict(turned, frame)
    assert again.verdict == outcome and again.finding.effect == pytest.approx(21.2 - deep)
    assert outcome != "reproduced" or "around the stated -6." in again.sentence


def test_a_stated_amount_is_no_member_of_the_family_of_directions():
    frame = runs(deep=[27.0, 27.1, 27.2], vgg=[21.0, 21.1, 21.2])
    own = {"metric": "ap_percent", "departs_in": ["detector.training"]}
    both = [claim_of(statement=s, **own, **c) for s, c in zip("ab", (BETTER, BY_SIX), strict=True)]
    found = judge(both, frame, {"deep": PAPERS, "vgg": PAPERS})
    assert [each.verdict for each in found] == ["reproduced"] * 2
    assert found[0].finding.p == pytest.approx(1 / 20)
    assert list(finding_table(found)["test"]) == ["exact Mann-Whitney", "two one-sided Welch tests"]
    assert both[0].chance(3, 0.2, Setting(0.05)) > 0 == both[0].chance(3, 0.2, Setting(0.025))


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"direction": "equal"}, "direction", "'lower' or 'higher'"),
        (
            {"against": None, "variant": None, "trend": ["a", "b"]},
            "difference",
            "against, difference",
        ),
        ({"margin": 6.0}, "difference", "must be above margin"),
    ],
)
def test_an_amount_fits_its_claim(changes, field, rule):
    with pytest.raises(ValidationError) as error:
        claim_of(**{"statement": "s", "metric": "ap_percent", **BY_SIX, **changes})
    place, told_so, _ = rule_of(error.value.errors()[0])
    assert (place, rule in told_so) == ((field,), True)


def test_a_classifiers_claim_is_not_on_a_detectors_measure(tmp_path):
    file = tmp_path / "suite.yaml"
    file.write_text(
        "name: sorts\nsource: x\nseeds: [0]\nbase:\n  dataset: {name: cifar10-subset}\n"
        "  model: {stem: cifar, depth: 8, shortcut: A}\n"
        "vary: {variants: [{name: a}, {name: b, model.shortcut: none}]}\n"
        "claims: [{statement: s, variant: a, against: b, direction: lower, metric: ap_percent}]\n"
    )
    with pytest.raises(SuiteError, match="ap_percent needs a detector"):
        load_suite(file)


def test_the_papers_own_detectors_do_not_depart_from_it():
    for spec in (PAPERS, PAPERS | VGG):
        assert list(map(told, departures(spec))) == [JOINT]
    assert section(PAPERS) == "appendix A"


FASTER = {
    "schedule": {"iterations": 80_000, "drops": [60_000]},
    "optimizer": {"batch_size": 1, "weight_decay": 5e-4},
}


def test_vocs_detectors_are_trained_as_faster_rcnns():
    assert list(map(told, departures(detector_spec("voc0712", **FASTER)))) == [JOINT]
    found = departures(detector_spec("voc2012", **FASTER | {"optimizer": {"batch_size": 8}}))
    held = {each.field: (each.value, each.agreed) for each in found}
    assert held["dataset.name"] == ("voc2012", ("voc0712",))
    assert held["optimizer.batch_size"] == (8, (1, 2))


@pytest.mark.parametrize(
    ("changes", "phrases"),
    [
        ({"dataset": {"shorter_side": 800}}, ["dataset.shorter_side is 800, not 600"]),
        ({"pretrained": None}, ["pretrained is off, not on"]),
        ({"optimizer": {"batch_size": 16}}, ["optimizer.batch_size is 16, not 8"]),
        ({"schedule": {"drops": []}}, ["schedule.drops is none, not 240000"]),
        ({"model": {"shortcut": "A"}}, ["model.shortcut is A, not B"]),
        (
            {"detector": detector_spec()["detector"] | {"inference": {"scales": [200, 600]}}},
            ["detector.inference.scales is 200/600, not off"],
        ),
        ({"model": {"batch_norm": None}}, ["model.batch_norm is off, not on"]),
        (
            {"detector": detector_spec()["detector"] | {"batch_norm": "trained"}},
            ["detector.batch_norm is trained, not fixed"],
        ),
    ],
)
def test_departures_of_detectors_are_said_in_words(changes, phrases):
    found = departures(detector_spec("coco2014", **changes))
    assert [told(each) for each in found if each.field != "detector.training"] == phrases


def test_an_improvement_is_what_its_claim_departs_in():
    better = detector_spec("coco2014")
    better["detector"]["inference"]["box_refinement"] = True
    frame = runs(deep=[29.8, 29.9, 30.0])
    claim = {
        "variant": "deep",
        "published": "table9/ResNet-101 with box refinement/ap_percent",
    }
    found = verdict(claim, frame, {"deep": better})
    phrase = "detector.inference.box_refinement is True, not False"
    assert found.verdict == "not comparable" and found.departures == (phrase,)
    claim["departs_in"] = ["detector.inference", "detector.training"]
    assert verdict(claim, frame, {"deep": better}).verdict == CONSISTENT


def test_a_data_set_of_which_the_paper_says_nothing_has_no_published_number():
    frame = runs(deep=[27.1, 27.2, 27.3], vgg=[21.1, 21.2, 21.3])
    own = {"deep": detector_spec("mine"), "vgg": detector_spec("mine")}
    published = {"variant": "deep", "published": "table8/ResNet-101/ap_percent"}
    assert departures(own["deep"]) == []
    assert verdict(published, frame, own).verdict == "not comparable"
    assert verdict(BETTER, frame, own).verdict == "reproduced"


def test_specs_without_a_detector_are_held_to_what_they_were():
    spec = classifier_spec(dataset={"name": "cifar10"})
    before = {part: fields for part, fields in spec.items() if part != "detector"}
    assert departures(spec) == departures(before) == []
    assert section(spec) == "4.2"


def test_each_protocol_has_its_place_in_the_paper():
    assert _sections({"4.2"}) == "section 4.2"
    assert _sections({"appendix A"}) == "appendix A"
    assert _sections({"appendix A", "3.4"}) == "section 3.4 and appendix A"


def test_the_paper_has_a_number_for_its_own_nets():
    assert published_for(PAPERS).key == "table8/ResNet-101/ap_percent"
    assert published_for(PAPERS | VGG).key == "table8/VGG-16/ap_percent"
    assert published_for(detector_spec("voc0712")) is None  # Which has another metric.
    cifar = {"name": "cifar10"}
    assert published_for(classifier_spec(dataset=cifar)).value == 8.75
    assert published_for(classifier_spec(dataset=cifar, model={"shortcut": "none"})) is None

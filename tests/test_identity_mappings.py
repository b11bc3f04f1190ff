"""The second paper as data: its numbers, its protocol, its suites and its page."""

from pathlib import Path

import pytest

from benchmark.paper import FIRST, PAPERS, PUBLISHED, departures, paper_of, published_for, section
from benchmark.records.store import Store
from benchmark.report.paper.page import write_paper
from benchmark.spec import RunSpec
from benchmark.suite import load_suite
from benchmark.suite.claims import PublishedClaim

NAME = "identity-mappings"
PAPER = PAPERS[NAME]
SUITES = sorted(Path("suites", NAME).glob("*.yaml"))
ERROR = "test_error_percent"
WARMUP = {"learning_rate": 0.01, "until_train_error_percent": 100, "window_iterations": 400}


def value(table, row):
    return PAPER.published[f"{NAME}/table{table}/{row}/{ERROR}"].value


def test_every_number_is_a_median_of_five_and_says_whose_it_is():
    assert {(n.selected, n.n, n.paper) for n in PAPER.published.values()} == {
        ("median-of-5", 5, NAME)
    }
    assert {n.selection for n in PAPER.published.values()} == {"median of 5 runs"}
    assert not any(n.is_mean or n.is_best or n.is_ensemble for n in PAPER.published.values())
    assert {n.table for n in PAPER.published.values()} == {1, 2, 3}
    assert all(key.startswith(f"{NAME}/") for key in PAPER.published)
    assert PUBLISHED.keys() == PAPERS[FIRST].published.keys() | PAPER.published.keys()


def test_numbers_of_one_net_are_the_same_in_each_table():
    assert value(1, "original") == value(2, "ResNet-110 original")
    for net in ("ResNet-110", "ResNet-164"):
        for order in ("original", "full-preactivation"):
            assert value(2, f"{net} {order}") == value(3, f"{net} {order}")


def test_what_the_text_says_of_the_numbers():
    """Sections 3.1 and 4.1: no other shortcut is as good as the identity, and pre-activation is
    better than the original unit in every net."""
    others = [n for n in PAPER.published.values() if n.table == 1 and n.row != "original"]
    assert len(others) == 6 and all(n.value > value(1, "original") for n in others)
    of_third = [n for n in PAPER.published.values() if n.table == 3]
    originals = [n for n in of_third if "original" in n.row]
    assert len(originals) == 6
    for number in originals:
        assert value(3, number.row.replace("original", "full-preactivation")) < number.value


def spec_of(**changes):
    data = {
        "dataset": {"name": "cifar10"},
        "model": {"family": "preactivation-resnet", "stem": "cifar", "depth": 110, "shortcut": "A"},
        "schedule": {"warmup": WARMUP},
        "seed": 0,
    }
    for part, fields in changes.items():
        data[part] = data.get(part, {}) | fields
    return RunSpec.model_validate(data).model_dump(mode="json")


BOTTLENECK = {"depth": 164, "block": "bottleneck"}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, []),
        ({"model": {"order": "bn-after-addition"}}, []),
        ({"model": {"on_shortcut": {"kind": "gating"}}}, []),
        ({"model": BOTTLENECK | {"shortcut": "B"}}, []),
        ({"model": BOTTLENECK}, ["model.shortcut"]),
        ({"model": {"shortcut": "B"}}, ["model.shortcut"]),
        ({"model": {"depth": 56}}, ["model.depth"]),
        ({"model": BOTTLENECK | {"shortcut": "B", "depth": 110}}, ["model.depth"]),
        (
            {"model": {"block": "basic", "stage_blocks": [52, 1, 1]}},
            ["model.stage_blocks"],
        ),
        ({"model": {"batch_norm": None}}, ["model.batch_norm"]),
        ({"schedule": {"warmup": None}}, ["schedule.warmup"]),
        (
            {"schedule": {"warmup": WARMUP | {"window_iterations": 100}}},
            ["schedule.warmup.window_iterations"],
        ),
        ({"optimizer": {"batch_size": 64}}, ["optimizer.batch_size"]),
    ],
)
def test_departures_from_its_protocol(changes, fields):
    spec = spec_of(**changes)
    assert [found.field for found in departures(spec)] == fields
    assert (paper_of(spec), section(spec)) == (PAPER, "appendix")


def test_nets_of_the_first_paper_are_held_to_the_first():
    for model in ({"family": "vgg"}, {"family": "resnet"}, {}):
        assert paper_of({"model": model}).name == FIRST


def test_the_published_error_of_a_net():
    assert published_for(spec_of()).value == value(2, "ResNet-110 full-preactivation")
    one = spec_of(model={"block": "single", "order": "original"})
    assert published_for(one).value == value(3, "ResNet-110 (1 layer skip) original")
    assert published_for(spec_of(model={"on_shortcut": {"kind": "dropout"}})) is None
    assert published_for(spec_of(model={"shortcut": "C"})) is None


@pytest.mark.parametrize("path", SUITES, ids=str)
def test_its_suites_are_as_it_did_it(path):
    loaded = load_suite(path)
    specs = {cell.variant: cell.spec.model_dump(mode="json") for cell in loaded.plan.cells}
    assert not [found for spec in specs.values() for found in departures(spec)]
    titles = {cell.variant: cell.spec.model.titles for cell in loaded.plan.cells}
    claimed = [claim for claim in loaded.suite.claims if isinstance(claim, PublishedClaim)]
    table = int(path.stem.removeprefix("table"))
    wanted = {k for k, n in PAPER.published.items() if n.table == table and n.dataset == "cifar10"}
    assert {claim.published for claim in claimed} == wanted
    for claim in claimed:
        known = published_for(specs[claim.variant])
        assert known is None or known.value == claim.number.value
        if table > 1:  # Whose rows are named after the nets.
            assert titles[claim.variant] == (claim.number.row,)


def test_a_page_is_of_one_paper(tmp_path):
    pages = {}
    for name in PAPERS:
        write_paper(Path("suites"), Store(tmp_path / "none"), tmp_path / name, name)
        pages[name] = (tmp_path / name / "paper.md").read_text()
    for name, page in pages.items():
        (other,) = PAPERS.keys() - {name}
        assert PAPERS[name].arxiv in page and PAPERS[other].arxiv not in page
        for table in (1, 2, 3):
            assert (f"`{NAME}-table{table}`" in page) == (name == NAME)

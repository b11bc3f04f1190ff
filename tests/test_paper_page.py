"""The page on all claims: its rows, its counts and its files, by made-up records."""

import dataclasses
import re
from pathlib import Path

import pytest
from made_records import made_suite, record

from benchmark.models.families import cost
from benchmark.records.store import Store
from benchmark.report.paper.costs import Recorded, cost_text, recorded_rates
from benchmark.report.paper.evidence import gather
from benchmark.report.paper.figures import figures_of
from benchmark.report.paper.locations import BEYOND, Place, place_of_source
from benchmark.report.paper.page import write_paper
from benchmark.report.paper.rows import (
    AGAINST,
    HOLDS,
    PRELIMINARY,
    SHORT_ALONE,
    UNDECIDED,
    counts,
    rows,
    short_counts,
    summary,
)
from benchmark.scheduling.rates import Rates
from benchmark.shipped import shipped_reference
from benchmark.suite import load_suite
from benchmark.suite.claims import Sample
from benchmark.suite.claims.outcomes import CONSISTENT, INCONCLUSIVE, NOT_RUN, REPRODUCED

NETS = """
base:
  dataset: {name: cifar10}
  model: {stem: cifar}
vary:
  variants:
    - {name: plain20, model.shortcut: none, model.depth: 20}
    - {name: plain56, model.shortcut: none, model.depth: 56}
    - {name: resnet20, model.shortcut: A, model.depth: 20}
"""
DEGRADED = "Plain-56 has a higher test error than plain-20."
CLAIMS = f"""
seeds: [0, 1, 2, 3, 4]
claims:
  - {{statement: {DEGRADED}, variant: plain56, against: plain20, direction: higher}}
"""
PUBLISHED_20 = "ResNet-20 has the published test error."
OWN = f"""
  - {{statement: {PUBLISHED_20}, variant: resnet20, published: table6/ResNet-20/test_error_percent}}
"""


@pytest.fixture
def suites(tmp_path):
    """One in the paper's form, two shortened ones of it, and one of what the paper does not ask."""
    folder = tmp_path / "suites"
    (folder / "night").mkdir(parents=True)
    stem = "model: {stem: cifar}"
    short = NETS.replace(stem, f"{stem}\n  schedule: {{iterations: %d}}")
    for file, name, source, text in (
        ("nets.yaml", "nets", "Figures 1 and 6, the nets", NETS + CLAIMS + OWN),
        ("night/nets.yaml", "night-nets", "a night", short % 4000 + CLAIMS),
        ("night/hour.yaml", "hour", "Figure 6 in an hour", short % 400 + CLAIMS),
        ("more.yaml", "more", "An extension of Table 3", NETS + CLAIMS.replace("Plain-56", "It")),
    ):
        (folder / file).write_text(f"name: {name}\nsource: {source}\n{text}")
    return folder


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "reference")


ERRORS = {"plain20": 9.0, "plain56": 13.0, "resnet20": 8.7}


def train(store, suites, file, seeds=5, errors=ERRORS):
    """Made-up records of the runs of a suite with the first seeds."""
    for cell in load_suite(suites / file).plan.cells:
        if cell.seed < seeds and cell.variant in errors:
            record(store, cell, final_error_percent=errors[cell.variant] + 0.01 * cell.seed)


@pytest.fixture(scope="module")
def reference_evidence():
    """On the suites here, by the committed records."""
    return list(gather(Path("suites"), Store(shipped_reference())))


def found(store, suites):
    return rows(list(gather(suites, store)), recorded_rates(store))


def of(found_rows, claim):
    (row,) = [row for row in found_rows if row.claim == claim]
    return row


def test_without_records_nothing_is_run_and_each_claim_has_its_cost(store, suites):
    told = found(store, suites)
    assert counts(told) == {NOT_RUN: 3}
    assert short_counts(told) == {NOT_RUN: 1}
    row = of(told, PUBLISHED_20)
    assert (row.measured, row.place) == ("", Place("Table", "6"))
    assert row.why.startswith("to run: 5 runs, 4.98 PMAC") and not row.why.endswith("h")
    assert "8.75" in row.paper


FROM_ANOTHER = """
name: from-another
source: An extension of the paper
base:
  dataset: {name: cifar10}
  model: {stem: cifar, depth: 20, shortcut: A}
  schedule: {iterations: 640, drops: []}
vary:
  variants:
    - {name: first, schedule.iterations: 64000}
    - {name: scratch}
    - {name: tuned, pretrained: {source: run, name: first, mode: train-all}}
seeds: [0, 1, 2]
claims:
  - statement: Tuned is better.
    variant: tuned
    against: scratch
    direction: lower
    departs_in: [schedule]
"""


def test_a_claim_costs_as_well_the_runs_that_others_start_from(store, suites):
    (suites / "tuned.yaml").write_text(FROM_ANOTHER)

    def told():
        return of(found(store, suites), "Tuned is better.").why

    assert told().startswith("to run: 9 runs, 3.05 PMAC")  # 3 of 64,000 iterations, 6 of 640.
    train(store, suites, "tuned.yaml", errors={"first": 9.0})
    assert told().startswith("to run: 6 runs, 0.0598 PMAC")
    train(store, suites, "tuned.yaml", errors={"tuned": 9.0})
    assert told().startswith("to run: 3 runs, 0.0299 PMAC")


def test_every_claim_of_the_suites_here_is_on_the_page(store):
    suites = Path("suites")
    evidence = list(gather(suites, store))
    told = rows(evidence, Recorded("", Rates({}, {})))
    claims = [c.statement for e in evidence if not e.shortened for c in e.loaded.suite.claims]
    own = [row for row in told if row.verdict != SHORT_ALONE]
    assert sorted(row.claim for row in own) == sorted(claims)
    assert {row.verdict for row in own} == {NOT_RUN}
    assert {"night-figure6", "quickstart"} <= {e.name for e in evidence if e.shortened}
    places = {str(row.place) for row in told}
    assert places >= {f"Table {n}" for n in range(2, 10)} | {"Figure 1", "Figure 6", "Figure 7"}


def test_a_claim_is_judged_by_all_its_runs(store, suites):
    train(store, suites, "nets.yaml")
    row = of(found(store, suites), PUBLISHED_20)
    assert row.verdict == CONSISTENT
    # By hand: 0.03 ± 2.132 * 0.0158 * sqrt(6/5).
    assert row.why.startswith("difference -0.03 (-0.07 to +0.01, 90 %), margin 1, for it p = ")
    assert row.measured == "resnet20: 8.72 ± 0.02 (8.70 to 8.74, n = 5)"
    assert "8.29 (gcr/torch-residual-networks" in row.others
    assert of(found(store, suites), DEGRADED).place == Place("Figure", "1")


def test_a_claim_about_several_iterations_shows_the_first_and_the_last(store, suites):
    text = (suites / "nets.yaml").read_text()
    early = (
        "  - {statement: It learns., variant: resnet20, bound: 90, direction: lower, "
        "metric: train_error_percent, at: [16000, 32000, 64000]}\n"
    )
    (suites / "nets.yaml").write_text(text + early)
    train(store, suites, "nets.yaml")
    assert of(found(store, suites), "It learns.").measured == (
        "resnet20 after 16,000: 45.10 ± 0.00 (45.10 to 45.10, n = 5); "
        "resnet20 after 64,000: 0.10 ± 0.00 (0.10 to 0.10, n = 5)"
    )


def test_too_few_runs_are_preliminary_and_say_what_is_left(store, suites):
    train(store, suites, "nets.yaml", seeds=2)
    row = of(found(store, suites), PUBLISHED_20)
    assert row.verdict == PRELIMINARY
    assert "to run: 3 runs" in row.why and row.why.endswith(" h")  # By the rate of the two.


def test_a_claim_without_runs_of_one_variant_is_not_run(store, suites):
    train(store, suites, "nets.yaml", errors={"plain20": 9.0})
    row = of(found(store, suites), DEGRADED)
    assert row.verdict == NOT_RUN and row.measured.startswith("plain20: 9.02")
    assert "to run: 5 runs" in row.why


def test_a_shortened_schedule_is_told_apart_and_never_a_verdict(store, suites):
    train(store, suites, "night/nets.yaml")
    told = found(store, suites)
    row = of(told, DEGRADED)
    assert row.verdict == NOT_RUN and row.held == (HOLDS, NOT_RUN)
    assert "night-nets, 1/16 of the schedule: holds" in row.shortened[0]
    assert (counts(told), short_counts(told)) == ({NOT_RUN: 3}, {HOLDS: 1})


def test_the_longest_schedule_that_was_run_counts_whatever_a_shorter_one_says(store, suites):
    train(store, suites, "night/nets.yaml", errors={"plain20": 13.0, "plain56": 9.0})
    train(store, suites, "night/hour.yaml")
    told = found(store, suites)
    assert of(told, DEGRADED).held == (AGAINST, HOLDS)
    assert short_counts(told) == {AGAINST: 1}


def test_a_shortened_schedule_may_leave_a_claim_undecided(store, suites):
    train(store, suites, "night/nets.yaml", errors={"plain20": 9.0, "plain56": 9.0})
    assert of(found(store, suites), DEGRADED).held[0] == UNDECIDED
    train(store, suites, "night/nets.yaml", errors={"plain20": 9.0, "plain56": 13.0})
    assert of(found(store, suites), DEGRADED).held[0] == HOLDS


def test_a_shortened_schedule_with_few_runs_is_preliminary(store, suites):
    train(store, suites, "night/nets.yaml", seeds=2)
    told = found(store, suites)
    assert of(told, DEGRADED).held == (PRELIMINARY, NOT_RUN)
    assert short_counts(told) == {PRELIMINARY: 1}


def test_a_claim_of_a_shortened_suite_alone_has_a_row_without_a_verdict(store, suites):
    text = (suites / "night/nets.yaml").read_text()
    (suites / "night/nets.yaml").write_text(text.replace("Plain-56 has a", "Here it has a"))
    train(store, suites, "night/nets.yaml")
    told = found(store, suites)
    row = of(told, "Here it has a higher test error than plain-20.")
    assert (row.verdict, row.held, row.place) == (SHORT_ALONE, (HOLDS,), Place("Figure", "6"))
    assert sum(counts(told).values()) == 3


def test_a_short_form_with_another_net_names_it(store, suites):
    text = (suites / "night/nets.yaml").read_text().replace("depth: 56", "depth: 32")
    (suites / "night/nets.yaml").write_text(text)
    train(store, suites, "night/nets.yaml")
    told = of(found(store, suites), DEGRADED).shortened[0]
    assert told.startswith("night-nets, plain-32, 1/16 of the schedule: holds")


def test_the_schedule_is_that_of_what_is_compared(store, suites):
    path = suites / "night/nets.yaml"
    long = "model.shortcut: A, model.depth: 20, schedule.iterations: 32000"
    path.write_text(path.read_text().replace("model.shortcut: A, model.depth: 20", long))
    told = of(found(store, suites), DEGRADED).shortened[0]
    assert told.startswith("night-nets, 1/16 of the schedule")


def test_others_measured_what_the_paper_asks_and_nothing_beyond_it(store, suites):
    told = found(store, suites)
    assert of(told, PUBLISHED_20).others
    (beyond,) = [row for row in told if row.place == BEYOND]
    assert beyond.others == ""


def test_runs_that_go_on_are_not_counted(store, suites):
    cells = load_suite(suites / "nets.yaml").plan.cells
    store.run(cells[-1]).prepare(cells[-1].spec)
    assert of(found(store, suites), PUBLISHED_20).verdict == NOT_RUN


@pytest.mark.parametrize("status", ["failed", "diverged"])
def test_runs_without_a_value_are_counted(store, suites, status):
    train(store, suites, "nets.yaml")
    cells = load_suite(suites / "nets.yaml").plan.cells
    own = [cell for cell in cells if cell.variant == "resnet20"]
    record(store, own[0], status=status)
    row = of(found(store, suites), PUBLISHED_20)
    assert row.verdict == INCONCLUSIVE and row.measured.endswith("n = 4), 1 lost")
    for cell in own:
        record(store, cell, status=status)
    row = of(found(store, suites), PUBLISHED_20)
    assert row.verdict == INCONCLUSIVE and row.measured == "resnet20: 5 lost"


def test_the_page_has_counts_rows_figures_and_links_that_exist(store, suites, tmp_path):
    train(store, suites, "nets.yaml")
    train(store, suites, "night/nets.yaml")
    made_suite(store, "nets", list(load_suite(suites / "nets.yaml").plan.cells))
    (store.root / "nets" / "report.md").write_text("a report")
    out = tmp_path / "page"
    page = write_paper(suites, store, out)
    text = (out / "paper.md").read_text()
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert links and all((out / link).exists() for link in links), links
    assert "../reference/nets/report.md" in links
    assert {Path(link).name for link in links if link.startswith("figures")} == {
        "figure-6-nets-curves.svg",
        "figure-6-night-nets-curves.svg",
        "beyond-the-paper-more-seeds.svg",
    }
    assert page.of_paper[REPRODUCED] == page.of_paper[CONSISTENT] == 1
    assert page.beyond == {REPRODUCED: 1}
    assert page.shortened == {HOLDS: 1}
    html = (out / "paper.html").read_text()
    assert html.count("<svg") == 3 and PUBLISHED_20 in html
    for row in text.splitlines():
        if row.startswith(f"| {DEGRADED}"):
            assert len(re.split(r"(?<!\\)\|", row)) == 9


@pytest.mark.parametrize(
    ("suite", "names"), [("gradients", ["gradients"]), ("night-shortcuts", ["seeds"])]
)
def test_a_figure_shows_what_the_claims_are_about(reference_evidence, suite, names):
    """Not the errors of runs that end after the first steps."""
    (own,) = [each for each in reference_evidence if each.name == suite]
    assert [name for name, _, _ in figures_of(own)] == names


def test_the_same_records_give_the_same_page_and_old_figures_go(store, suites, tmp_path):
    train(store, suites, "nets.yaml")
    out = tmp_path / "page"
    first = [file.read_bytes() for file in write_paper(suites, store, out).files]
    (out / "figures" / "left-over.svg").write_text("old")
    assert [file.read_bytes() for file in write_paper(suites, store, out).files] == first
    assert not (out / "figures" / "left-over.svg").exists()


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("Figures 1 and 6, plain and residual nets", Place("Figure", "6")),
        ("Table 6 and Figure 6, ResNet-1202", Place("Table", "6")),
        ("Section 4.2, ResNet-110 with its warm-up", Place("Section", "4.2")),
        ("Section 3.4 where the paper is silent, the decay", BEYOND),
        ("An extension of Table 3 to CIFAR-10", BEYOND),
        ("the tests' own", BEYOND),
    ],
)
def test_where_a_suite_stands_in_the_paper(source, place):
    assert place_of_source(source) == place


def test_places_come_in_order():
    some = [BEYOND, Place("Figure", "4"), Place("Table", "10"), Place("Table", "9")]
    assert [str(p) for p in sorted(some, key=lambda p: p.order)][:3] == [
        "Table 9",
        "Table 10",
        "Figure 4",
    ]


def test_a_mean_has_its_interval():
    three = Sample((8.0, 9.0, 10.0, None), (0, 1, 2, 3))
    assert summary(three) == "9.00 ± 1.00 (6.52 to 11.48, n = 3), 1 lost"  # t = 4.303
    assert summary(Sample((8.0,), (0,))) == "8.00 (n = 1)"


def test_hours_are_by_each_nets_fastest_run_and_each_run_costs_once(store, suites):
    cells = load_suite(suites / "nets.yaml").plan.cells
    for cell, faster in zip(cells[:3], (1, 2, 4), strict=True):
        record(store, cell, train_time_s=100 / faster)
    known = recorded_rates(store)
    assert known.machines == "made-up avx2"
    (rate,) = known.rates.overall.values()
    assert rate == pytest.approx(41_000_000 * 64_000 * 128 / 25)
    assert cost_text(cells[:1] * 2, known).startswith("1 run, 0.997 PMAC, 0.00687 h")
    unknown = dataclasses.replace(known, rates=Rates({}, {}))
    assert cost_text(cells[:1], unknown) == "1 run, 0.997 PMAC"
    assert cost_text([], known) == ""
    record(store, cells[3], device="a GPU", train_time_s=10)  # CPUs have trained for longer.
    assert recorded_rates(store) == known


def test_a_net_that_has_run_is_estimated_by_its_own_rate(store, suites):
    cells = load_suite(suites / "nets.yaml").plan.cells
    own = cost(cells[0].spec.model, (32, 32, 3), 10).multiply_adds
    record(store, cells[0], multiply_adds=own)  # 4 epochs of 25 s, by the journal.
    record(store, cells[1], multiply_adds=own // 4)
    known = recorded_rates(store)
    assert known.rates.seconds(cells[0]) == pytest.approx(100)
    (overall,) = known.rates.overall.values()
    assert overall == pytest.approx(own * (1 + 1 / 4) / 2 * 64_000 * 128 / 100)


def test_it_loads_no_tensorflow(tmp_path):
    import subprocess
    import sys

    code = (
        "import sys; from benchmark.cli import app\n"
        f"try: app(['paper', '--out', {str(tmp_path)!r}, '--suites', {str(tmp_path)!r}])\n"
        "except SystemExit: pass\n"
        "print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False False"
    assert (tmp_path / "paper.md").exists()

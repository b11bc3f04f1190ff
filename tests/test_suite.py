from pathlib import Path

import pytest

from benchmark.suite import SuiteError, load_suite

SUITES = sorted(Path("suites").glob("*.yaml"))

GOOD = """\
name: good
source: a test
base:
  dataset: {name: cifar10}
  model: {stem: cifar, depth: 20, shortcut: A}
vary:
  grid:
    model.shortcut: [none, A]
    optimizer.weight_decay: [0.0, 1.0e-4]
seeds: [0, 1]
"""


@pytest.fixture
def load(tmp_path):
    def load(text):
        path = tmp_path / "suite.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_suite(path)

    return load


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_every_suite_of_the_project_can_be_planned(path):
    loaded = load_suite(path)
    assert loaded.plan.cells
    assert loaded.suite.name == path.stem
    head = path.read_text().splitlines()[:3]
    assert [line.split(":")[0] for line in head] == ["# Source", "# Command", "# Cost"]
    assert str(path) in head[1]


def test_a_grid_is_every_combination_with_every_seed(load):
    cells = load(GOOD).plan.cells
    assert [cell.name for cell in cells] == [
        f"{net}-weight_decay={decay}/seed{seed}"
        for net in ("plain20", "resnet20-A")
        for decay in ("0.0", "0.0001")
        for seed in (0, 1)
    ]
    assert [cell.spec.optimizer.weight_decay for cell in cells[:4]] == [0.0, 0.0, 1e-4, 1e-4]
    assert len({cell.run_id for cell in cells}) == 8


def test_variants_are_an_explicit_list_and_join_a_grid(load):
    text = GOOD.replace(
        "seeds:",
        "  variants:\n    - {name: wd, optimizer.momentum: 0.8}\n"
        "    - {name: no-bn, model.batch_norm: null}\nseeds:",
    ).replace("    model.shortcut: [none, A]\n", "")
    cells = load(text).plan.cells
    assert [cell.variant for cell in cells[::2]] == [
        "wd-weight_decay=0.0",
        "wd-weight_decay=0.0001",
        "no-bn-weight_decay=0.0",
        "no-bn-weight_decay=0.0001",
    ]
    assert cells[0].spec.optimizer.momentum == 0.8
    assert cells[-1].spec.model.batch_norm is None


def test_without_vary_there_is_one_variant(load):
    text = GOOD[: GOOD.index("vary:")] + "seeds: [3]\n"
    assert [cell.name for cell in load(text).plan.cells] == ["resnet20-A/seed3"]


def test_comments_and_key_order_leave_the_ids_alone(load):
    first = load(GOOD).plan.runs()
    lines = GOOD.splitlines()
    reordered = "\n".join(["# a remark", lines[-1], *lines[:-1]])
    reordered = reordered.replace(
        "{stem: cifar, depth: 20, shortcut: A}", "{shortcut: A, depth: 20, stem: cifar}"
    )
    assert list(load(reordered).plan.runs()) == list(first)


def test_equal_cells_are_one_run(load):
    text = GOOD.replace("  grid:\n", "  variants: [{name: one}, {name: two}]\n  grid:\n")
    plan = load(text.replace("    model.shortcut: [none, A]\n", "")).plan
    assert len(plan.cells) == 8
    assert len(plan.runs()) == 4


def test_ten_thousand_cells_have_ids_of_their_own(load):
    depths = [6 * n + 2 for n in range(1, 21)]
    decays = [step / 10_000 for step in range(50)]
    text = GOOD.replace("[none, A]", "[A]").replace("[0.0, 1.0e-4]", str(decays))
    text = text.replace("  grid:\n", f"  grid:\n    model.depth: {depths}\n")
    plan = load(text.replace("[0, 1]", str(list(range(10))))).plan
    assert len(plan.runs()) == 10_000


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "rule", "received"),
    [
        ("name: good", "name: a/b", 1, "name", "letters, digits", "a/b"),
        ("name: good", "name: ..", 1, "name", "letters, digits", ".."),
        ("name: good", "name: runs", 1, "name", "none of", "runs"),
        ("name: good", "name: " + "x" * 300, 1, "name", "letters, digits", "xxx"),
        ("source: a test\n", "", 1, "source", "is required", "nothing"),
        ("seeds: [0, 1]", "seeds: []", 10, "seeds", "at least 1", "[]"),
        ("seeds: [0, 1]", "seeds: [0, 0]", 10, "seeds", "stands once", "[0, 0]"),
        ("seeds: [0, 1]", "seeds: [-1]", 10, "seeds", "greater than or equal to 0", "-1"),
        ("seeds: [0, 1]", "seed: 0", 10, "seed", "not a field", "0"),
        ("depth: 20", "depth: 21", 5, "base.model.depth", "6n+2", "21"),
        ("depth: 20", "depth: 2.0e+1", 5, "base.model.depth", "integer", "20.0"),
        ("depth: 20", "depht: 20", 5, "base.model.depht", "not a field", "20"),
        ("depth: 20", "depth: 32, block: bottleneck", 5, "base.model.depth", "9n+2", "32"),
        (
            "depth: 20",
            "depth: 20, stage_widths: [64, 32, 16]",
            8,
            "vary.grid.model.shortcut.1",
            "cannot shrink",
            "A",
        ),
        ("[none, A]", "[none, E]", 8, "vary.grid.model.shortcut.1", "'A', 'B' or 'C'", "E"),
        ("[none, A]", "[]", 8, "vary.grid.model.shortcut", "at least 1", "[]"),
        ("1.0e-4", "1e-4", 9, "vary.grid.optimizer.weight_decay.1", "1.0e-4", "1e-4"),
        ("seeds:", "name: again\nseeds:", 10, "name", "stand once", "name"),
        ("dataset: {name", "dataset: {name: x, name", 4, "base.dataset.name", "stand once", "name"),
        ("name: good", "name: &a good", 1, "file", "anchors", "one"),
        ("name: good", "name: !!python/name:os.system", 1, "name", "plain text", ""),
        ("name: good", "1: good", 1, "file", "a key must be text", "1"),
        ("[none, A]", "[none, none]", 6, "vary", "name of its own", "plain20"),
        ("base:\n", "base:\n  seed: 3\n", 1, "file", "seeds alone", "3"),
        (
            "vary:\n",
            "vary:\n  variants: [{name: a b}]\n",
            7,
            "vary.variants.0.name",
            "letters",
            "a b",
        ),
        ("vary:\n", "vary:\n  variants: []\n", 7, "vary.variants", "at least 1", "[]"),
        ("name: good", "name: good: bad", 1, "file", "must be YAML", "mapping values"),
    ],
)
def test_errors_name_line_field_rule_and_value(load, old, new, line, field, rule, received):
    assert old in GOOD
    with pytest.raises(SuiteError) as caught:
        load(GOOD.replace(old, new, 1))
    problem = next((p for p in caught.value.problems if p.field == field), None)
    assert problem, str(caught.value)
    assert problem.line == line
    assert rule in problem.rule
    assert received in str(problem.received)
    assert f"suite.yaml:{line}: {field}: " in str(caught.value)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (b"", "mapping"),
        (b"- a list", "mapping"),
        (b"name: \xff", "UTF-8"),
        (b"a: [" * 500, "YAML|nested"),
        (b"x" * (2 << 20), "bytes"),
        (b"a: \x00", "YAML"),
    ],
)
def test_files_that_are_no_suites(load, text, rule):
    with pytest.raises(SuiteError, match=rule):
        load(text)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(SuiteError, match="No such file"):
        load_suite(tmp_path / "nothing.yaml")


def test_all_problems_are_told_at_once_and_once_each(load):
    text = GOOD.replace("cifar10", "cifar9").replace("depth: 20", "depth: 21")
    with pytest.raises(SuiteError) as caught:
        load(text)
    assert [problem.field for problem in caught.value.problems] == [
        "base.dataset.name",
        "base.model.depth",
    ]


CLAIM = """\
claims:
  - statement: the paper's number
    variant: resnet20-A-weight_decay=0.0001
    published: table6/ResNet-20/test_error_percent
  - statement: residual is better
    variant: resnet20-A-weight_decay=0.0001
    against: plain20-weight_decay=0.0001
    direction: lower
    metric: train_error_percent
    margin: 1.0
    least_seeds: 5
"""


def test_claims_are_parsed(load):
    first, second = load(GOOD + CLAIM).suite.claims
    assert first.published == "table6/ResNet-20/test_error_percent"
    assert (second.margin, second.least_seeds, second.direction) == (1.0, 5, "lower")


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("table6/ResNet-20", "table6/plain-20", "must be one of"),
        ("against: plain20", "against: plain56", "a claim's variants are the suite's"),
        ("    direction: lower\n", "", "is stated with against"),
        ("    against: plain20-weight_decay=0.0001\n", "", "exactly one of"),
        ("margin: 1.0", "margin: 0", "greater than 0"),
        ("metric: train_error_percent", "metric: accuracy", "'test_error_percent'"),
    ],
)
def test_claims_that_say_nothing_are_refused(load, old, new, rule):
    assert old in CLAIM
    with pytest.raises(SuiteError, match=rule):
        load(GOOD + CLAIM.replace(old, new))

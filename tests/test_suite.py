from pathlib import Path

import pytest

from benchmark.execution.progress import work
from benchmark.models import count
from benchmark.spec import RunSpec
from benchmark.suite import SuiteError, load_suite

SUITES = sorted(Path("suites").rglob("*.yaml"))

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


def test_equal_trainings_of_the_full_suites_are_equal_runs():
    """What is diagnosed is part of a run's id, so they must all ask for the same."""
    cells = [cell for path in SUITES for cell in load_suite(path).plan.cells]
    full = [cell for cell in cells if cell.spec.schedule.iterations == 64_000]
    assert len({cell.spec.diagnostics for cell in full}) == 1
    names = {"resnet20", "momentum0.9", "coupled-all", "per-pixel"}
    assert len({c.run_id for c in full if c.seed == 0 and c.variant in names}) == 1


@pytest.mark.parametrize("path", SUITES, ids=str)
def test_every_suite_of_the_project_can_be_planned(path):
    loaded = load_suite(path)
    assert loaded.plan.cells
    assert loaded.suite.name == ("short-" if path.parent.name == "short" else "") + path.stem
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


def test_all_variants_are_trained_at_one_seed_before_the_next(load):
    plan = load(GOOD).plan
    assert [cell.seed for cell in plan.cells][:2] == [0, 1]
    order = [(cell.seed, cell.variant) for cell in plan.runs().values()]
    variants = list(dict.fromkeys(cell.variant for cell in plan.cells))
    assert order == [(seed, variant) for seed in (0, 1) for variant in variants]


def test_of_ten_thousand_cells_the_costs_are_reckoned_once_a_net(load, monkeypatch):
    digests = []
    digest = RunSpec.digest
    monkeypatch.setattr(RunSpec, "digest", lambda spec: digests.append(1) or digest(spec))
    rates = f"model.dropout_rate: {[step / 1000 for step in range(250)]}"
    text = GOOD.replace("optimizer.weight_decay: [0.0, 1.0e-4]", rates).replace("20", "110")
    text = text.replace("[none, A]", "[none, A, B, C]").replace("[0, 1]", str(list(range(10))))
    count._cost.cache_clear()
    plan = load(text).plan
    assert sum(work(cell) for cell in plan.runs().values()) > 0
    assert len(plan.runs()) == 10_000
    assert count._cost.cache_info().misses == 4
    assert len(digests) == 2 * 10_000


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
        ("name: good", "name: !!python/name:os.system", 1, "file", "tags", "!!python/name:os"),
        ("seeds: [0, 1]", "seeds: !!bool x", 10, "file", "tags", "!!bool"),
        ("seeds: [0, 1]", 'seeds: !!int ""', 10, "file", "tags", "!!int"),
        ("seeds: [0, 1]", 'seeds: !!float ""', 10, "file", "tags", "!!float"),
        ("seeds: [0, 1]", "seeds: !!seq [0, 1]", 10, "file", "tags", "!!seq"),
        (
            "seeds: [0, 1]",
            "seeds: !!python/object/apply:os.system [0, 1]",
            10,
            "file",
            "tags",
            "!!python/object/apply:os.system",
        ),
        ("depth: 20", "depth: 024", 5, "base.model.depth", "no leading zero", "024"),
        ("depth: 20", "depth: 1:30", 5, "base.model.depth", "no colon", "1:30"),
        ("1.0e-4", "00.5", 9, "vary.grid.optimizer.weight_decay.1", "no leading zero", "00.5"),
        ("stem: cifar", "stem: [cifar]", 5, "base.model.stem", "'cifar' or", "['cifar']"),
        ("depth: 20", "depth: 6000000002", 5, "base.model.depth", "10000", "6000000002"),
        (
            "depth: 20",
            "block: basic, stage_blocks: [1000000000, 1, 1]",
            5,
            "base.model.stage_blocks",
            "at most 10000 layers",
            "[1000000000, 1, 1]",
        ),
        ("name: good", "1: good", 1, "file", "a key must be text", "1"),
        ("[none, A]", "[none, none]", 6, "vary", "name of its own", "plain20"),
        ("base:\n", "base:\n  seed: 3\n", 4, "base.seed", "seeds alone", "3"),
        ("base:\n", "base:\n  seed.x: 3\n", 4, "base.seed", "seeds alone", "{'x': 3}"),
        ("  grid:\n", "  grid:\n    seed: [3]\n", 8, "vary.grid.seed", "seeds alone", "[3]"),
        (
            "vary:\n",
            "vary:\n  variants: [{name: a, seed: 3}]\n",
            7,
            "vary.variants.0.seed",
            "seeds alone",
            "3",
        ),
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
    assert problem.origin.line == line
    assert rule in problem.rule
    assert received in str(problem.received)
    assert f"suite.yaml:{line}: {field}: " in str(caught.value)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (b"", "mapping"),
        (b"- a list", "mapping"),
        (b"name: \xff", "UTF-8"),
        (b"a: 1\nb: [", "2: file: must be YAML. Received: expected the node content"),
        (b"a: 1\nb: " + b"[" * 900_000, "2: file: is nested at most 20 deep"),
        (b"- " * 400_000, "1: file: is nested at most 20 deep"),
        (b"x" * (2 << 20), "bytes"),
        (b"a: 1\nb: \x00", r"2: file: must be YAML.*special characters.*'\\x00'"),
        (b"a: \x07", r"1: file: must be YAML.*special characters.*'\\x07'"),
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


def varied(grid, *variants):
    """GOOD with another grid, and variants."""
    lines = ["vary:"]
    if variants:
        lines += ["  variants:", *(f"    - {{name: v{i}, {v}}}" for i, v in enumerate(variants))]
    if grid:
        lines += ["  grid:", *(f"    {line}" for line in grid)]
    return GOOD[: GOOD.index("vary:")] + "\n".join(lines) + "\nseeds: [0]\n"


@pytest.mark.parametrize(
    ("grid", "variants", "line", "rule"),
    [
        (
            ["model.batch_norm.momentum: [0.9]"],
            ["model.batch_norm: null"],
            "10: vary.grid.model.batch_norm.momentum",
            "vary.variants.0.model.batch_norm sets it as well",
        ),
        (
            ["model.batch_norm: [null]"],
            ["model.depth: 20", "model.batch_norm.momentum: 0.8"],
            "9: vary.variants.1.model.batch_norm.momentum",
            "vary.grid.model.batch_norm sets it as well",
        ),
        (
            ["optimizer.weight_decay: [0.0]"],
            ["optimizer.weight_decay: 1.0e-3"],
            "10: vary.grid.optimizer.weight_decay",
            "vary.variants.0.optimizer.weight_decay sets it as well",
        ),
        (
            [],
            ["optimizer.momentum: 0.8, optimizer: {nesterov: true}"],
            "8: vary.variants.0.optimizer.momentum",
            "vary.variants.0.optimizer sets it as well",
        ),
        (
            ["optimizer.momentum: [0.8]", "optimizer: [{}]", "optimizer.nesterov: [true]"],
            [],
            "10: vary.grid.optimizer.nesterov",
            "vary.grid.optimizer sets it as well",
        ),
    ],
)
def test_a_field_is_set_in_one_place(load, grid, variants, line, rule):
    with pytest.raises(SuiteError) as caught:
        load(varied(grid, *variants))
    told = str(caught.value).splitlines()
    assert any(f":{line}: a field is set once; {rule}. " in problem for problem in told), told


def test_every_part_of_a_field_that_is_set_is_told(load):
    grid = ["optimizer: [{}]", "optimizer.momentum: [0.8]", "optimizer.nesterov: [true]"]
    with pytest.raises(SuiteError) as caught:
        load(varied(grid, "optimizer.batch_size: 64", "optimizer.batch_size: 32"))
    assert len(caught.value.problems) == 4


def test_fields_with_a_common_beginning_are_different_fields(load):
    grid = ["model.batch_norm.momentum: [0.9]", "model.batch_norm.epsilon: [1.0e-3]"]
    assert len(load(varied(grid, "model.zero_pad: both")).plan.cells) == 1


@pytest.mark.parametrize(
    ("base", "dotted", "part", "received"),
    [
        ("optimizer: 5", "optimizer.weight_decay", "optimizer", "5"),
        ("optimizer: null", "optimizer.weight_decay", "optimizer", "None"),
        ("schedule: {warmup: null}", "schedule.warmup.learning_rate", "schedule.warmup", "None"),
    ],
)
@pytest.mark.parametrize("section", ["grid", "variants.0"])
def test_a_part_of_a_value_cannot_be_set(load, base, dotted, part, received, section):
    text = varied([f"{dotted}: [0.1]"]) if section == "grid" else varied([], f"{dotted}: 0.1")
    with pytest.raises(SuiteError) as caught:
        load(text.replace("base:\n", f"base:\n  {base}\n"))
    rule = f"vary.{section}.{dotted}: sets a part of base.{part}, which must be a mapping"
    assert f"{rule}. Received: {received}" in str(caught.value)


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
        ("    against: plain20-weight_decay=0.0001\n", "    than: 0\n", "greater than 0"),
        (
            "    against: plain20-weight_decay=0.0001\n    direction: lower\n",
            "    than: 60\n    direction: equal\n",
            "must be lower or higher with than",
        ),
        ("    margin: 1.0\n", "    at: [100000]\n", "at must be within the 64000 of resnet20"),
        ("margin: 1.0", "margin: 0", "greater than 0"),
        ("metric: train_error_percent", "metric: accuracy", "'test_error_percent'"),
        ("against: plain20-weight", "against: resnet20-A-weight", "must be another variant"),
        (
            "table6/ResNet-20/test_error_percent",
            "table1/ResNet-50/multiply_adds",
            "numbers of test_error_percent: table6",
        ),
        (
            "table6/ResNet-20/test_error_percent",
            "table6/ResNet-110/best_test_error_percent",
            "numbers of test_error_percent: table6",
        ),
        (
            "against: plain20-weight_decay=0.0001\n    direction: lower",
            "published: table6/ResNet-20/test_error_percent",
            "numbers of train_error_percent: none",
        ),
    ],
)
def test_claims_that_say_nothing_are_refused(load, old, new, rule):
    assert old in CLAIM
    with pytest.raises(SuiteError, match=rule):
        load(GOOD + CLAIM.replace(old, new))


def test_every_claim_with_an_unknown_variant_is_told(load):
    text = CLAIM.replace("resnet20", "resnet56").replace("plain20", "plain56")
    with pytest.raises(SuiteError) as caught:
        load(GOOD + text)
    assert [problem.received for problem in caught.value.problems] == [
        "resnet56-A-weight_decay=0.0001",
        "resnet56-A-weight_decay=0.0001",
        "plain56-weight_decay=0.0001",
    ]


def test_a_trend_names_each_variant_once(load):
    trend = "claims: [{statement: x, trend: [plain20, plain20], direction: lower}]\n"
    with pytest.raises(SuiteError, match="names each variant once"):
        load(GOOD + trend)

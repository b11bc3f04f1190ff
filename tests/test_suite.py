from pathlib import Path

import pytest

from benchmark.listening.progress import work
from benchmark.models.resnet import cost as resnet_cost
from benchmark.problems import InputError
from benchmark.shipped import suites_folder
from benchmark.spec import RunSpec
from benchmark.suite import Changes, SuiteError, load_suite
from benchmark.suite.names import NAME
from benchmark.suite.selection import select

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
    cells = [cell for path in SUITES for cell in load_suite(path).plan.cells]
    full = [cell for cell in cells if cell.spec.schedule.iterations == 64_000]
    names = {"resnet20", "momentum0.9", "coupled-all", "per-pixel"}
    assert len({c.run_id for c in full if c.seed == 0 and c.variant in names}) == 1


@pytest.mark.parametrize("path", SUITES, ids=str)
def test_every_suite_of_the_project_can_be_planned(path):
    loaded = load_suite(path)
    assert loaded.plan.cells
    folder = path.parent.name
    assert loaded.suite.name == (f"{folder}-" if folder != "suites" else "") + path.stem
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
    resnet_cost._cost.cache_clear()
    plan = load(text).plan
    assert sum(work(cell) for cell in plan.runs().values()) > 0
    assert len(plan.runs()) == 10_000
    assert resnet_cost._cost.cache_info().misses == 4
    assert len(digests) == 10_000


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "rule", "received"),
    [
        ("name: good", "name: a/b", 1, "name", "letters, digits", "a/b"),
        ("name: good", "name: ..", 1, "name", "letters, digits", ".."),
        ("name: good", "name: runs", 1, "name", "not be any of", "runs"),
        ("name: good", "name: " + "x" * 300, 1, "name", "letters, digits", "xxx"),
        ("source: a test\n", "", 1, "source", "is required", "nothing"),
        ("seeds: [0, 1]", "seeds: []", 10, "seeds", "at least 1", "[]"),
        ("seeds: [0, 1]", "seeds: [0, 0]", 10, "seeds", "listed only once", "[0, 0]"),
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
        ("seeds:", "name: again\nseeds:", 10, "name", "only once", "name"),
        ("dataset: {name", "dataset: {name: x, name", 4, "base.dataset.name", "only once", "name"),
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
        ("[none, A]", "[none, none]", 6, "vary", "unique name", "plain20"),
        ("base:\n", "base:\n  seed: 3\n", 4, "base.seed", "only by seeds", "3"),
        ("base:\n", "base:\n  seed.x: 3\n", 4, "base.seed", "only by seeds", "{'x': 3}"),
        ("  grid:\n", "  grid:\n    seed: [3]\n", 8, "vary.grid.seed", "only by seeds", "[3]"),
        (
            "vary:\n",
            "vary:\n  variants: [{name: a, seed: 3}]\n",
            7,
            "vary.variants.0.seed",
            "only by seeds",
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
        ("    against: plain20-weight_decay=0.0001\n", "    bound: 0\n", "greater than 0"),
        (
            "    against: plain20-weight_decay=0.0001\n    direction: lower\n",
            "    bound: 60\n    direction: equal\n",
            "should be 'lower' or 'higher'",
        ),
        ("    margin: 1.0\n", "    at: [100000]\n", "at must be within the 64000 of resnet20"),
        (
            "    metric: train_error_percent\n",
            "    metric: top1_error_percent\n    protocol: ten-crop-31\n",
            "shorter side of at least the 32 of",
        ),
        ("margin: 1.0", "margin: 0", "greater than 0"),
        ("metric: train_error_percent", "metric: accuracy", "'test_error_percent'"),
        ("against: plain20-weight", "against: resnet20-A-weight", "must differ from variant"),
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


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


CHILD = """\
extends: good.yaml
name: child
base:
  model.depth: 32
  optimizer: {momentum: 0.8}
"""


def test_a_suite_states_only_how_it_differs_from_another(write):
    good = load_suite(write("good.yaml", GOOD + CLAIM))
    child = load_suite(write("child.yaml", CHILD + "claims: []\n"))
    assert (child.suite.name, child.suite.source) == ("child", "a test")
    assert (child.suite.seeds, child.suite.vary) == (good.suite.seeds, good.suite.vary)
    assert child.suite.claims == () != good.suite.claims
    for cell, theirs in zip(child.plan.cells, good.plan.cells, strict=True):
        assert cell.spec.model.depth == 32
        assert cell.spec.optimizer.momentum == 0.8
        assert cell.spec.model.shortcut == theirs.spec.model.shortcut
        assert cell.spec.optimizer.weight_decay == theirs.spec.optimizer.weight_decay
    shipped = load_suite(write("shipped.yaml", "extends: night/shortcuts\nname: mine\n"))
    assert shipped.plan.cells == load_suite(suites_folder() / "night/shortcuts.yaml").plan.cells
    same = load_suite(write("same.yaml", "extends: good.yaml\nname: same\n"))
    assert [cell.run_id for cell in same.plan.cells] == [cell.run_id for cell in good.plan.cells]


def test_what_is_varied_and_the_seeds_are_replaced_whole(write):
    write("good.yaml", GOOD)
    text = CHILD + "vary: {variants: [{name: one, model.zero_pad: both}]}\nseeds: [5]\n"
    (cell,) = load_suite(write("child.yaml", text)).plan.cells
    assert (cell.name, cell.spec.model.zero_pad) == ("one/seed5", "both")
    assert cell.spec.optimizer.weight_decay == 1e-4  # The default, not the grid's.


def test_suites_extend_each_other_in_a_chain_across_folders(write):
    write("good.yaml", GOOD)
    write("within/child.yaml", CHILD.replace("good.yaml", "../good.yaml"))
    last = "extends: within/child.yaml\nname: last\nbase: {optimizer: {batch_size: 64}}\n"
    for cell in load_suite(write("last.yaml", last)).plan.cells:
        optimizer = cell.spec.optimizer
        assert (cell.spec.model.depth, optimizer.momentum, optimizer.batch_size) == (32, 0.8, 64)


def test_a_mapping_can_take_nothing_over(write):
    text = GOOD.replace("base:\n", "base:\n  schedule: {iterations: 900, drops: [800]}\n")
    write("good.yaml", text)
    replacing = "extends: good.yaml\nname: child\nbase: {schedule: {%siterations: 700}}\n"
    with pytest.raises(SuiteError) as caught:
        load_suite(write("child.yaml", replacing % ""))
    assert {problem.origin.source.rsplit("/")[-1] for problem in caught.value.problems} == {
        "good.yaml"
    }
    kept = load_suite(write("child.yaml", replacing % "_delete_: false, drops: [600], "))
    assert kept.plan.cells[0].spec.schedule.drops == (600,)
    new = load_suite(write("child.yaml", replacing % "_delete_: true, "))
    schedule = new.plan.cells[0].spec.schedule
    assert (schedule.iterations, schedule.drops) == (700, (350, 525))
    base = "{_delete_: true, dataset: {name: cifar10}, model: {stem: cifar, depth: 20}}"
    bare = load_suite(write("child.yaml", f"extends: good.yaml\nname: child\nbase: {base}\n"))
    assert bare.plan.cells[0].spec.schedule.iterations == 64_000
    with pytest.raises(SuiteError) as caught:
        load_suite(write("child.yaml", replacing % "_delete_: 1, "))
    assert caught.value.problems[0].field == "base.schedule._delete_"
    with pytest.raises(SuiteError) as caught:  # There is nothing that it could replace.
        load_suite(write("good.yaml", text.replace("{iterations", "{_delete_: true, iterations")))
    assert caught.value.problems[0].field == "base.schedule._delete_"


@pytest.mark.parametrize(
    ("child", "file", "line", "field"),
    [
        (CHILD.replace("depth: 32", "depth: 33"), "child.yaml", 4, "base.model.depth"),
        (CHILD.replace("momentum", "momentun"), "child.yaml", 5, "base.optimizer.momentun"),
        (CHILD + "  model.stage_widths: [64, 32, 16]\n", "good.yaml", 8, None),
        (CHILD + "vary: {grid: {model.depht: [1]}}\n", "child.yaml", 6, "vary.grid.model.depht.0"),
        (CHILD.replace("name: child\n", ""), "child.yaml", 1, "extends"),
        (CHILD.replace("child", "good"), "child.yaml", 2, "name"),
        (CHILD.replace("good.yaml", "child.yaml"), "child.yaml", 1, "extends"),
        (CHILD.replace("good.yaml", "nothing.yaml"), "child.yaml", 1, "extends"),
        (CHILD.replace("good.yaml", '"a\\0"'), "child.yaml", 1, "extends"),
        (CHILD.replace("good.yaml", "x" * 5000), "child.yaml", 1, "extends"),
        (CHILD.replace("good.yaml", "."), "child.yaml", 1, "extends"),
        (CHILD.replace("good.yaml", "[good.yaml]"), "child.yaml", 1, "extends"),
        (CHILD.replace("good.yaml", "bad.yaml"), "bad.yaml", 3, "file"),
        (CHILD.replace("good.yaml", "one.yaml"), "two.yaml", 2, "extends"),
        (CHILD.replace("extends", "extend"), "child.yaml", 1, "extend"),
    ],
)
def test_errors_name_the_file_that_states_the_value(write, child, file, line, field):
    write("good.yaml", GOOD)
    write("bad.yaml", "name: bad\nsource: x\nbase: [")
    write("one.yaml", "extends: two.yaml\nname: one\n")
    write("two.yaml", "name: two\nextends: one.yaml\n")
    with pytest.raises(SuiteError) as caught:
        load_suite(write("child.yaml", child))
    (problem, *_) = (p for p in caught.value.problems if field in (None, p.field))
    assert (Path(problem.origin.source).name, problem.origin.line) == (file, line)
    assert f"{file}:{line}: " in str(caught.value)


def test_inherited_claims_are_told_where_they_stand(write):
    write("good.yaml", GOOD + CLAIM)
    with pytest.raises(SuiteError) as caught:
        load_suite(write("child.yaml", CHILD))
    origins = {(Path(p.origin.source).name, p.origin.line) for p in caught.value.problems}
    assert origins == {("good.yaml", 12), ("good.yaml", 15)}


def test_a_base_may_be_nested_or_dotted(load):
    dotted = GOOD.replace(
        "model: {stem: cifar, depth: 20,", "model.depth: 20\n  model: {stem: cifar,"
    )
    assert list(load(dotted).plan.runs()) == list(load(GOOD).plan.runs())


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("model.depth: 32", "base.model.depth"),
        ("seeds.x: 1", "base.seeds"),
        ("dataset.name.x: 1", "base.dataset.name.x"),
        ("model.: 1", "base.model."),
        (".".join("a" * 100) + ": 1", "base." + ".".join("a" * 100)),
    ],
)
def test_a_dotted_field_of_the_base_is_checked_as_a_nested_one(load, line, field):
    with pytest.raises(SuiteError) as caught:
        load(GOOD.replace("base:\n", f"base:\n  {line}\n"))
    (problem,) = caught.value.problems
    assert (problem.field, problem.origin.line) == (field, 4)


def test_the_command_line_sets_a_field_of_all_cells(write):
    path = write("good.yaml", GOOD)
    text = GOOD.replace("base:\n", "base:\n  optimizer: {batch_size: 64, momentum: 0.8}\n")
    edited = load_suite(write("edited.yaml", text)).plan
    stated = ["optimizer.momentum=0.8", "optimizer.batch_size=64"]
    changed = load_suite(path, Changes(stated))
    assert list(changed.plan.runs()) == list(edited.runs())
    assert changed.changes.overrides == {"optimizer.batch_size": 64, "optimizer.momentum": 0.8}
    name = "good+optimizer.batch_size=64+optimizer.momentum=0.8"
    assert (changed.suite.name, changed.plan.suite) == (name, name)
    assert load_suite(path, Changes(stated[::-1])).suite.name == name
    assert load_suite(path, Changes([stated[0]] * 2)).suite.name == "good+optimizer.momentum=0.8"
    assert load_suite(path, Changes()).suite.name == "good"
    whole = load_suite(path, Changes(["schedule={iterations: 700}"])).plan.cells[0].spec.schedule
    assert (whole.iterations, whole.drops) == (700, (350, 525))


@pytest.mark.parametrize(
    ("stated", "field", "received"),
    [
        ("numerics.replicas=0", "numerics.replicas", "0"),
        ("numerics.replicsa=1", "numerics.replicsa", "1"),
        ("model.depth=21", "model.depth", "21"),
        ("schedule.learning_rate=1e-4", "schedule.learning_rate", "1e-4"),
        ("schedule.learning_rate=[", "schedule.learning_rate", "expected the node"),
        ("schedule.drops=!!python/name:os.system x", "schedule.drops", "!!python"),
        ("model={depth: 20, depth: 32}", "model.depth", "depth"),
        ("dataset.name.part=1", "dataset.name.part", "cifar10"),
        ("seed=3", "seed", "3"),
        ("=3", "option", "=3"),
        ("model.depth=", "option", "model.depth="),
        ("model.depth", "option", "model.depth"),
        (".".join("a" * 100) + "=1", ".".join("a" * 100), "more"),
    ],
)
def test_what_is_set_is_checked_as_the_file_is(write, stated, field, received):
    path = write("good.yaml", GOOD.replace("    model.shortcut: [none, A]\n", ""))
    with pytest.raises(SuiteError) as caught:
        load_suite(path, Changes([stated]))
    (problem,) = caught.value.problems
    assert (problem.origin, problem.field) == ((f"--set {stated}", None), field)
    assert received in str(problem.received)


def test_what_a_suite_varies_cannot_be_set(write):
    path = write("good.yaml", varied(["model.shortcut: [none]"], "model.batch_norm.momentum: 0.8"))
    cases = {
        "model.shortcut=A": "vary.grid.model.shortcut",
        "model={depth: 20}": "vary.grid.model.shortcut",
        "model.batch_norm=null": "vary.variants.0.model.batch_norm.momentum",
        "model.batch_norm.momentum=0.9": "vary.variants.0.model.batch_norm.momentum",
    }
    for stated, where in cases.items():
        with pytest.raises(SuiteError) as caught:
            load_suite(path, Changes([stated]))
        (problem,) = caught.value.problems
        assert problem.origin.source == f"--set {stated}"
        assert problem.rule.endswith(where)
    assert load_suite(path, Changes(["model.batch_norm.epsilon=1.0e-3"])).plan.cells


def test_a_field_is_set_once_by_the_command_line(write):
    path = write("good.yaml", GOOD)
    for stated in (
        ["optimizer.momentum=0.8", "optimizer.momentum=0.7"],
        ["optimizer={}", "optimizer.momentum=0.8"],
    ):
        with pytest.raises(SuiteError) as caught:
            load_suite(path, Changes(stated))
        assert all(p.origin.source.startswith("--set") for p in caught.value.problems)


def test_what_a_setting_breaks_in_the_file_names_the_setting(write):
    path = write("good.yaml", GOOD + CLAIM)
    with pytest.raises(SuiteError) as caught:
        load_suite(path, Changes(["model.depth=32"]))
    for problem in caught.value.problems:
        assert problem.origin.source == str(path)
        assert "--set model.depth=32" in problem.rule


def test_different_settings_have_different_names():
    values = [
        "1",
        "1.0",
        "'1'",
        "true",
        "'true'",
        "null",
        "'null'",
        "a",
        "a-b",
        "a b",
        "a_b",
        "[a]",
    ]
    values += [
        "1.0e-5",
        "'1e-05'",
        ".nan",
        "NaN",
        "'.nan'",
        "1+y=2",
        "x" * 200,
        "x" * 201,
        "{a: 1}",
    ]
    stated = [[f"x={value}"] for value in values] + [["x=1", "y=2"], ["y=1"], ["x.y=1"]]
    names = [Changes(each).name(suite) for each in stated for suite in ("t", "u", "s" * 100)]
    assert len(set(names)) == len(names)
    assert all(NAME.fullmatch(name) and "+" in name for name in names)
    assert Changes(["numerics.replicas=1"]).name("table3") == "table3+numerics.replicas=1"


def test_no_file_has_the_name_of_a_changed_suite(load):
    with pytest.raises(SuiteError) as caught:
        load(GOOD.replace("name: good", "name: good+model.depth=20"))
    assert [problem.field for problem in caught.value.problems] == ["name"]


CELLS = [
    (variant, seed) for variant in ("plain20", "resnet20-A", "resnet20-B") for seed in (0, 1, 4)
]


@pytest.mark.parametrize(
    ("only", "seeds", "variants", "chosen"),
    [
        ([], None, {"plain20", "resnet20-A", "resnet20-B"}, {0, 1, 4}),
        (["plain20"], None, {"plain20"}, {0, 1, 4}),
        (["resnet20-*"], "0", {"resnet20-A", "resnet20-B"}, {0}),
        (["*-[AC]", "plain*"], "0-1", {"plain20", "resnet20-A"}, {0, 1}),
        ([], "4,0", {"plain20", "resnet20-A", "resnet20-B"}, {0, 4}),
        ([], "0-1,4", {"plain20", "resnet20-A", "resnet20-B"}, {0, 1, 4}),
    ],
)
def test_variants_and_seeds_are_selected(only, seeds, variants, chosen):
    selection = select(CELLS, only, seeds)
    assert (selection.variants, selection.seeds) == (variants, chosen)
    assert [cell for cell in CELLS if selection.has(*cell)] == [
        (variant, seed) for variant, seed in CELLS if variant in variants and seed in chosen
    ]
    assert bool(selection.words) == bool(only or seeds)


@pytest.mark.parametrize(
    ("only", "seeds", "named"),
    [
        (["resnet20-*", "RESNET*"], None, ["RESNET*", "plain20", "resnet20-A", "resnet20-B"]),
        (["plain"], None, ["plain"]),
        ([], "2", ["0, 1, 4"]),
        ([], "0-2", ["0, 1, 4"]),
        ([], "0-99999999999999999", ["0, 1, 4"]),
        ([], "1-0", ["1-0"]),
        ([], "", ["0, 1, 4"]),
        ([], "0,", ["0,"]),
        ([], "-1", ["-1"]),
        ([], "a", ["a"]),
        ([], "٤", ["0, 1, 4"]),
    ],
)
def test_what_is_not_in_the_suite_cannot_be_selected(only, seeds, named):
    with pytest.raises(InputError) as caught:
        select(CELLS, only, seeds)
    for text in named:
        assert text in str(caught.value)


def test_different_selections_have_different_names():
    asked = [(["resnet20-*"], None), (["resnet20-?"], None), (["resnet20-*"], "0"), ([], "0")]
    asked += [([], "0-1"), ([], "0,1"), (["*"], None)]
    names = [select(CELLS, only, seeds).name for only, seeds in asked]
    assert len(set(names)) == len(names)
    assert not any(set("/*? ") & set(name) for name in names)


def test_a_selection_has_the_runs_that_it_begins_from():
    """Table 9's tests are of other variants' weights."""
    plan = load_suite("suites/table9.yaml").plan
    seeds = {cell.name: cell for cell in plan.cells}
    of_all = [(cell.variant, cell.seed) for cell in plan.cells]
    part = select(of_all, ["box-refinement"], "1").part_of(plan)
    assert [cell.name for cell in part.cells] == ["resnet101/seed1", "box-refinement/seed1"]
    assert all(cell.run_id == seeds[cell.name].run_id for cell in part.cells)
    alone = select(of_all, ["resnet101"], "1").part_of(plan)
    assert [cell.name for cell in alone.cells] == ["resnet101/seed1"]
    assert select(of_all).part_of(plan) == plan

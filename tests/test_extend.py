"""What docs/extend.md adds to the code works: done to a copy of the package, and trained with."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import bench_alone
from documents import edits, extend, new_files, of_language

from benchmark.spec import RunSpec

PAGE = Path("docs/extend.md").resolve()

CIFAR20 = {"dataset": {"name": "cifar10"}, "model": {"stem": "cifar", "depth": 20}, "seed": 0}


def stated(key):
    """The part of the page's suites that has a key."""
    parts = map(yaml.safe_load, of_language(PAGE, "yaml"))
    (found,) = [part for part in parts if key in part and "base" not in part]
    return found


def inside(folder, code, given, **environment):
    """The JSON that code prints with the package of a folder; it finds ``given`` in its input."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)} | environment,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    folder = tmp_path_factory.mktemp("extended")
    hidden = shutil.ignore_patterns("__pycache__")
    shutil.copytree("benchmark", folder / "benchmark", ignore=hidden)
    extend(folder, PAGE)
    return folder


def test_each_kind_of_addition_has_an_example():
    touched = {path for path, *_ in edits(PAGE)} | {path for path, _ in new_files(PAGE)}
    assert touched >= {
        "benchmark/models/layout.py",
        "benchmark/models/families.py",
        "benchmark/metrics.py",
        "benchmark/data/sources.py",
        "benchmark/training/probes/__init__.py",
        "benchmark/training/optimizers/__init__.py",
    }


def test_an_example_that_no_longer_fits_is_noticed(tmp_path):
    page, file = tmp_path / "page.md", tmp_path / "a.py"
    page.write_text("```diff\n--- a.py\n-x = 1\n+x = 2\n@@\n y = 1\n+z = 1\n```\n")
    file.write_text("x = 1\ny = 1\n")
    extend(tmp_path, page)
    assert file.read_text() == "x = 2\ny = 1\nz = 1\n"
    for text in ("x = 3\ny = 1\n", "x = 1\nx = 1\ny = 1\n"):
        file.write_text(text)
        with pytest.raises(ValueError, match=r"a\.py"):
            extend(tmp_path, page)
    page.write_text('```python title="a.py"\n```\n')
    with pytest.raises(ValueError, match=r"a\.py"):
        extend(tmp_path, page)


SPECS = """
import json, sys
from benchmark.models.families import cost
from benchmark.paper import departures, published_for
from benchmark.spec import RunSpec
specs = [RunSpec.model_validate(each) for each in json.load(sys.stdin)]
plain = [spec.model_dump(mode="json") for spec in specs]
published = [number and number.row for number in map(published_for, plain)]
fields = [[found.field for found in departures(each)] for each in plain]
costs = [cost(spec.model, (32, 32, 3), 10).parameters for spec in specs]
assert "keras" not in sys.modules
print(json.dumps([[spec.digest() for spec in specs], costs, published, fields]))
"""


def test_the_additions_are_specs_and_leave_old_ids(extended):
    shortcuts = stated("vary")["vary"]["grid"]["model.shortcut"]
    runs = [{**CIFAR20, "model": CIFAR20["model"] | {"shortcut": each}} for each in shortcuts]
    runs += [CIFAR20 | stated("model"), runs[0] | stated("optimizer"), runs[0] | stated("dataset")]
    ids, parameters, published, departs = inside(extended, SPECS, runs)
    assert len(set(ids)) == 5
    assert ids[0] == RunSpec.model_validate(runs[0]).digest()
    assert parameters[0] == parameters[1]
    # Of 1.4 million parameters a quarter, as the width is half of the paper's.
    assert parameters[2] == pytest.approx(1.37e6 / 4, rel=0.02)
    assert published[2] is None and departs[2] == []  # No paper here has the net.
    assert "model.shortcut" in departs[1] and "optimizer.kind" in departs[3]
    assert published[4] is None


TRAINED = """
import json
from pathlib import Path
from benchmark import build_model, load_layers, load_runs, load_suite, run_suite
from benchmark.models.families import cost
from benchmark.models.count import counted_cost
models = {cell.variant: cell.spec.model for cell in load_suite("suite.yaml").plan.cells}
for spec in models.values():
    for shape in ((32, 32, 3), (17, 24, 3)):
        assert counted_cost(build_model(spec, shape, 7)) == cost(spec, shape, 7)
layers = {layer.name for layer in build_model(models["resnet20-D"], (32, 32, 3), 7).layers}
done = run_suite("suite.yaml", mlflow=False, say=None)
runs = load_runs("results", "extended").set_index("variant")
worst = runs["final_worst_class_error_percent"] - runs["final_error_percent"]
measured = load_layers("results", "extended").dropna(subset=["kernel_norm", "number"])
print(json.dumps({
    "kernels": measured.groupby("variant")["kernel_norm"].agg(["count", "min"]).to_dict("index"),
    "figures": sorted(file.name for file in Path("results/extended/figures").iterdir()),
    "complete": done.complete,
    "status": runs["status"].to_dict(),
    "worst": worst.to_dict(),
    "pooled": "stage2_block1_pool" in layers,
    "claims": len(done.report.verdicts),
}))
"""


@pytest.mark.slow
def test_the_additions_are_trained(extended):
    cached = {"PYTHONPATH": str(extended), "RESNET_BENCH_DATA": str(extended / "cache")}
    base = {"optimizer": {"batch_size": 100}, "schedule": {"iterations": 4}}
    lion = {part: fields | base[part] for part, fields in stated("optimizer").items()}
    net, digits = {"stem": "cifar", "depth": 8}, {"dataset": stated("dataset")["dataset"]}
    suite = {
        "name": "extended",
        "source": "the page",
        "base": {
            "dataset": {"name": "cifar10-subset", "train_per_class": 20},
            "diagnostics": {},
            **base,
        },
        "vary": {
            "variants": [
                {"name": "resnet20-B", "model": net | {"shortcut": "B"}},
                {"name": "resnet20-D", "model": net | {"shortcut": "D"}, **lion},
                {"name": "all-cnn", **stated("model")},
                {"name": "digits", "model": net | {"shortcut": "B"}, **digits},
            ]
        },
        "seeds": [0],
        **stated("claims"),
    }
    got = bench_alone("data", "get", "digits", cwd=extended, **cached)
    assert got.returncode == 0, got.stderr
    (extended / "suite.yaml").write_text(yaml.safe_dump(suite))
    found = inside(extended, TRAINED, None, **cached)
    assert found["complete"], found["status"]
    assert set(found["status"].values()) == {"finished"}
    assert all(found["worst"][name] > 0 for name in ("resnet20-B", "resnet20-D", "all-cnn"))
    assert "kernels.svg" in found["figures"]
    # Seven convolutions, before the first of four iterations, and after 1, 2 and 4.
    assert found["kernels"]["resnet20-B"]["count"] == 7 * 4
    assert found["kernels"]["resnet20-B"]["min"] > 0
    assert found["pooled"]
    assert found["claims"] == 1
